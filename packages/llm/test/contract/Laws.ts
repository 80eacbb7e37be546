/** The laws in their own words: the names of the suite's tests. */
export const law = {
  1: "law 1, proof of completion: a call succeeds only after the provider's own terminal signal",
  2: "law 2, one fault, one meaning: as a status, as a body under 200 and as an event it is the same error",
  3: "law 3, open decoding: what is unknown or odd but legal fails no call",
  limits:
    "law 3, open decoding: bodies and events have a size limit, past which the call fails rather than the process",
  4: "law 4, endings are distinguishable",
  5: "law 5, folding the events of stream gives the response of generate",
  6: "law 6, one owner: at most 1 + maxRetries requests reach the socket per target, whatever happens",
  7: "law 7, what the provider says about waiting is honoured: never early",
  8: "law 8, no concurrency permit is held while backing off",
  10: "law 10, clocks: queue, headers, first-output, idle and total each end a call that waits too long",
  11: "law 11, an abort at any stage reaches the socket, and permits are returned",
  12: "law 12, never more than N requests in flight per stack, first come first served, streams to their end",
  13: "law 13, targets in order, each with its own model",
  14: "law 14, in a stream, fall back or retry only before the first output; text is never emitted twice",
  15: "law 15, if all targets fail the error is the last target's, and attempts tells the whole story",
  17: "law 17, one record per request made, on success and on failure",
  secrets: "secrets: a key appears nowhere",
  redirects: "secrets: redirects are never followed",
} as const
