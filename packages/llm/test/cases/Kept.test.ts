/** What an answer carries beside its text is kept, and goes back where its service wants it (laws 3 and 26). */
import { describe, expect } from "vitest"
import { checkCase, checkSharedCase } from "./CheckCase.ts"
import { partsOf } from "./OpenCase.ts"
import { chatAnswer, eventsOf } from "./Samples.ts"

describe("pictures", () => {
  const picture = { type: "image", mediaType: "image/png", data: "iVBORw0K" }

  checkSharedCase("openrouter-images", async ({ ask }, through) => {
    expect(partsOf(await ask(through))).toEqual([picture])
  })

  const address = "data:image/png;base64,iVBORw0K"
  const forms: ReadonlyArray<readonly [string, object]> = [
    ["as content parts", { content: ["See:", { type: "image_url", image_url: { url: address } }] }],
    ["as content parts with their address as text", { content: ["See:", { type: "image_url", image_url: address }] }],
    ["beside the content", { content: "See:", images: [{ image_url: { url: address } }] }],
    ["as inline data", { content: ["See:", { inline_data: { mime_type: "image/png", data: "iVBORw0K" } }] }],
    ["as base64", { content: ["See:", { type: "image", b64_json: "iVBORw0K" }] }],
  ]
  for (const [form, message] of forms) {
    checkCase(`${form}`, { right: "A part.", answers: [chatAnswer(message)] }, async ({ ask }, through) => {
      expect(partsOf(await ask(through))).toEqual([{ type: "text", text: "See:" }, picture])
    })
  }

  checkCase(
    "at an address",
    { right: "A part.", answers: [chatAnswer({ images: [{ image_url: { url: "https://example.com/a.png" } }] })] },
    async ({ ask }, through) => {
      expect(partsOf(await ask(through))).toEqual([{ type: "image", url: "https://example.com/a.png" }])
    },
  )
})

const kept = (value: object) => ({ type: "other", provider: "chat-completions", value })
const text = { type: "text", text: "ok" }

describe("what an answer carries beside its text is kept", () => {
  const citation = { type: "url_citation", url_citation: { url: "https://example.com", title: "E" } }
  const fields: ReadonlyArray<readonly [string, object, object]> = [
    ["annotations", { annotations: [citation] }, { type: "annotations", annotations: [citation] }],
    ["Mistral's references", { references: [{ id: 1 }] }, { type: "references", references: [{ id: 1 }] }],
    ["Azure's context", { context: { citations: [1] } }, { type: "context", context: { citations: [1] } }],
    ["what was spoken", { audio: { id: "a", data: "UklG" } }, { type: "audio", audio: { id: "a", data: "UklG" } }],
    ["Gemini's signature of a text", { thought_signature: "SIG" }, { thought_signature: "SIG" }],
    [
      "Claude's thinking behind LiteLLM",
      { thinking_blocks: [{ type: "thinking", thinking: "Hm", signature: "s" }] },
      { thinking_blocks: [{ type: "thinking", thinking: "Hm", signature: "s" }] },
    ],
  ]
  for (const [name, message, value] of fields) {
    const answers = [chatAnswer({ content: "ok", ...message })]
    checkCase(name, { right: "Kept.", answers }, async ({ ask }, through) => {
      expect(partsOf(await ask(through))).toEqual([text, kept(value)])
    })
  }

  checkCase(
    "Perplexity's sources, which every chunk repeats",
    {
      right: "Kept once.",
      answers: [
        chatAnswer({ content: "ok" }, "stop", [{ content: "o" }, { content: "k" }], {
          citations: ["https://example.com"],
          search_results: [{ title: "E", url: "https://example.com" }],
        }),
      ],
    },
    async ({ ask }, through) => {
      expect(partsOf(await ask(through))).toEqual([
        text,
        kept({ type: "citations", citations: ["https://example.com"] }),
        kept({ type: "search_results", search_results: [{ title: "E", url: "https://example.com" }] }),
      ])
    },
  )

  const token = (word: string) => ({ token: word, logprob: -0.5 })
  const likely = (...words: ReadonlyArray<string>) => ({ content: words.map(token), refusal: null })
  checkCase(
    "how likely its tokens were",
    {
      right: "Kept, put together.",
      answers: [
        {
          body: {
            choices: [{ index: 0, message: { content: "ok" }, logprobs: likely("o", "k"), finish_reason: "stop" }],
            usage: {},
          },
          sse: eventsOf(
            { choices: [{ index: 0, delta: { content: "o" }, logprobs: likely("o") }] },
            { choices: [{ index: 0, delta: { content: "k" }, logprobs: likely("k") }] },
            { choices: [{ index: 0, delta: {}, logprobs: null, finish_reason: "stop" }] },
            "[DONE]",
          ),
        },
      ],
    },
    async ({ ask }, through) => {
      const logprobs = { content: [token("o"), token("k")] }
      expect(partsOf(await ask(through))).toEqual([text, kept({ type: "logprobs", logprobs })])
    },
  )

  checkCase(
    "spoken words that come in pieces",
    {
      right: "Put together.",
      only: "stream",
      answers: [
        chatAnswer({}, "stop", [
          { audio: { id: "a", transcript: "Hel" } },
          { audio: { transcript: "lo" } },
          { audio: { data: "Ukl" } },
          { audio: { data: "G", expires_at: 9 } },
        ]),
      ],
    },
    async ({ ask }, through) => {
      const audio = { id: "a", transcript: "Hello", data: "UklG", expires_at: 9 }
      expect(partsOf(await ask(through))).toEqual([kept({ type: "audio", audio })])
    },
  )

  const detail = { type: "reasoning.text", text: "Hm", index: 0, signature: "s" }
  checkCase(
    "sealed reasoning, with the part that it belongs to",
    {
      right: "Kept and sent back.",
      answers: [
        chatAnswer({ reasoning: "Hm", reasoning_details: [detail], content: "ok" }, "stop", [
          { reasoning: "Hm", reasoning_details: [{ ...detail, signature: null }] },
          { reasoning_details: [{ type: "reasoning.text", index: 0, signature: "s" }] },
          { content: "ok" },
        ]),
      ],
    },
    async ({ ask, requests }, through) => {
      const parts = partsOf(await ask(through))
      const protocolData = { "chat-completions": { field: "reasoning", reasoning_details: [detail] } }
      expect(parts).toEqual([{ type: "reasoning", text: "Hm", protocolData }, text])
      await ask(through, {
        messages: [
          { role: "user", content: "Say hello." },
          { role: "assistant", content: parts },
          { role: "user", content: "Again." },
        ],
      })
      expect(requests[1].messages[1].reasoning_details).toEqual([detail])
    },
  )

  checkCase(
    "Mistral's thinking, and the references in it",
    {
      right: "Kept.",
      answers: [
        chatAnswer({
          content: [
            {
              type: "thinking",
              thinking: [
                { type: "text", text: "Hm" },
                { type: "reference", reference_ids: [1] },
              ],
            },
            { type: "text", text: "ok" },
          ],
        }),
      ],
    },
    async ({ ask }, through) => {
      expect(partsOf(await ask(through))).toEqual([
        { type: "reasoning", text: "Hm", protocolData: { "chat-completions": { field: "thinking" } } },
        kept({ type: "thinking", thinking: [{ type: "reference", reference_ids: [1] }] }),
        text,
      ])
    },
  )
})
