/** Where an error body says what: each field that services send, under each name, alone and beside others. */
import { describe, expect, it } from "vitest"
import { failureUnderSuccess, readFailure, reportsFailure } from "../../../src/protocols/failures/FailureReader.ts"
import { toReason } from "../../../src/protocols/failures/ProviderFailure.ts"

/** What is read of a body, without what it does not say. */
const read = (body: unknown, status?: number): Record<string, unknown> =>
  JSON.parse(JSON.stringify(readFailure(body, status)))

const failure = (more: object) => ({ _tag: "ProviderFailure", ...more })
const error = (more: object, message = "no") => ({ error: { message, ...more } })

describe("the words of an error", () => {
  it.each("message Message error detail msg error_msg error_message error_description status_msg title".split(" "))(
    "may be its %s",
    (name) => {
      expect(read({ error: { [name]: "so it is" } })).toEqual(failure({ message: "so it is", reasons: [] }))
      expect(read({ [name]: "so it is" }).message).toBe("so it is")
      expect(read({ error: { [name]: "" } }).message).toBe(`{"${name}":""}`)
    },
  )

  it("are the first of these where there are several, and the whole error where there are none", () => {
    const all = { title: "9", status_msg: "8", error_description: "7", error_message: "6", error_msg: "5", msg: "4" }
    expect(read({ error: { ...all, detail: "3", error: "2", Message: "1", message: "0" } }).message).toBe("0")
    expect(read({ error: { ...all, detail: "3", error: "2", Message: "1" } }).message).toBe("1")
    expect(read({ error: { ...all, detail: "3", error: "2" } }).message).toBe("2")
    expect(read({ error: { ...all, detail: "3" } }).message).toBe("3")
    expect(read({ error: all }).message).toBe("4")
    expect(read({ error: { odd: [1] } }).message).toBe('{"odd":[1]}')
  })

  it("are at most 2,000 characters", () => {
    expect(read(error({}, "a".repeat(2000))).message).toBe("a".repeat(2000))
    expect(read(error({}, "a".repeat(2001))).message).toBe(`${"a".repeat(1999)}…`)
    const quoted = { metadata: { raw: { error: { message: "b" } } } }
    expect(read(error(quoted, "a".repeat(1996))).message).toBe(`${"a".repeat(1996)}: b`)
    expect(read(error(quoted, "a".repeat(1998))).message).toBe(`${"a".repeat(1998)}:…`)
  })
})

describe("the code of an error", () => {
  it.each<readonly [string, object, string | undefined]>([
    ["its code", { code: "c", error_code: "no" }, "c"],
    ["its code as a number", { code: 7 }, "7"],
    ["its error_code", { error_code: "c", __type: "no" }, "c"],
    ["the error_code of its details, before all others", { details: { error_code: "c" }, code: "no" }, "c"],
    ["the name in AWS's type, after the package", { __type: "com.amazon#ThrottlingException" }, "ThrottlingException"],
    ["the name in AWS's type without a package", { __type: "ThrottlingException" }, "ThrottlingException"],
    ["the code of the error inside", { innererror: { code: "c" } }, "c"],
    ["the first of Google's reasons", { details: [{ reason: "c" }, { reason: "no" }] }, "c"],
    ["the first of Google's reasons, where the code is a status", { code: 400, details: [{ reason: "c" }] }, "c"],
    [
      "the code of a quoted error, where its own is a status",
      { code: "400", metadata: { raw: error({ code: "c" }) } },
      "c",
    ],
    ["its own code before that of a quoted error", { code: "c", metadata: { raw: error({ code: "no" }) } }, "c"],
    ["the code of a quoted error, where it has none", { metadata: { raw: error({ code: "c" }) } }, "c"],
    ["the status, where nothing says more", { code: 400 }, "400"],
    ["none, of Python's None", { code: "None" }, undefined],
    ["none, of an empty text", { code: "" }, undefined],
    ["none, of an object", { code: {}, innererror: 3, details: 3 }, undefined],
  ])("is %s", (_, fields, code) => {
    expect(read(error(fields)).code).toBe(code)
  })

  it("may stand beside the error, and is at most 200 characters", () => {
    expect(read({ error: "no", code: "c" }).code).toBe("c")
    expect(read({ error: { message: "no" }, code: "c" }).code).toBe("c")
    expect(read(error({ code: "c".repeat(200) })).code).toBe("c".repeat(200))
    expect(read(error({ code: "c".repeat(201) })).code).toBe(`${"c".repeat(199)}…`)
  })
})

describe("the status of an error", () => {
  it.each<readonly [string, object, number | undefined]>([
    ["Groq's status_code", { status_code: 429, statusCode: 500 }, 429],
    ["Azure's statusCode", { statusCode: 429, status: 500 }, 429],
    ["NVIDIA's status", { status: 429, code: 500 }, 429],
    ["a code that is one", { code: 429 }, 429],
    ["a code that is one, as text", { code: "429" }, 429],
    ["the least that is a failure's", { code: "400" }, 400],
    ["the largest that is a failure's", { code: 599 }, 599],
    ["none, of a number before", { code: 399 }, undefined],
    ["none, of a number after", { code: 600 }, undefined],
    ["none, of a text that only begins like one", { code: "4290" }, undefined],
    ["none, of a text that only ends like one", { code: "x429" }, undefined],
    ["none, of a text that is a good one", { code: "200" }, undefined],
    ["none, of a word", { status: "429", status_code: "500" }, undefined],
    ["that of a quoted error", { metadata: { raw: error({ code: 429 }) } }, 429],
  ])("is %s", (_, fields, status) => {
    expect(read(error(fields)).status).toBe(status)
    expect(read(error(fields), 418).status).toBe(418)
  })

  it("may stand beside the error", () => {
    expect(read({ error: { message: "no" }, status_code: 429 }).status).toBe(429)
    expect(read({ error: { message: "no", code: 500 }, status_code: 429 }).status).toBe(429)
    expect(read({ errors: [{ message: "no" }], status: 429 })).toMatchObject({ message: "no", status: 429 })
  })
})

describe("the type and the parameter of an error", () => {
  it("are its own, else those of a quoted error, else Google's status", () => {
    const raw = error({ type: "b", param: "q" })
    expect(read(error({ type: "a", param: "p", status: "S" }))).toMatchObject({ type: "a", parameter: "p" })
    expect(read(error({ type: "a", param: "p", metadata: { raw } }))).toMatchObject({ type: "a", parameter: "p" })
    expect(read(error({ status: "S", metadata: { raw } }))).toMatchObject({ type: "b", parameter: "q" })
    expect(read(error({ status: "S" })).type).toBe("S")
    expect(read(error({ status: 429 }))).not.toHaveProperty("type")
    expect(read(error({ type: "None", param: "None" }))).not.toHaveProperty("type")
  })

  it("are not the type of the event that carries the failure", () => {
    expect(read({ type: "error", message: "no" })).not.toHaveProperty("type")
    expect(read({ type: "errors", message: "no" }).type).toBe("errors")
  })
})

describe("the reasons of an error", () => {
  it("are the code of the error inside, OpenRouter's type, Google's, and those of a quoted error", () => {
    const raw = error({ details: [{ reason: "d" }] })
    const fields = {
      innererror: { code: "a" },
      metadata: { error_type: "b", raw },
      details: [{ reason: "c" }, null, { reason: "" }, { reason: 3 }],
    }
    expect(read(error(fields)).reasons).toEqual(["a", "b", "c", "d"])
    expect(read(error({ innererror: 3, metadata: 3 })).reasons).toEqual([])
  })

  it("of Google are read up to twenty, none of them longer than 200 characters", () => {
    const details = Array.from({ length: 21 }, (_, place) => ({ reason: `r${place}` }))
    expect(read(error({ details })).reasons).toEqual(details.slice(0, 20).map(({ reason }) => reason))
    const long = [{ reason: "r".repeat(200) }, { reason: "r".repeat(201) }]
    expect(read(error({ details: long })).reasons).toEqual(["r".repeat(200)])
  })
})

describe("the wait that an error tells", () => {
  const now = 1_000_000
  const waitOf = (fields: object) => {
    const reason = toReason(readFailure(error(fields), 429), { nowMs: now })
    return "retryAfterMs" in reason ? reason.retryAfterMs : undefined
  }

  it.each<readonly [string, unknown, number | undefined]>([
    ["3s", "3s", 3000],
    ["0.5s", "0.5s", 500],
    ["seconds and nanos", { seconds: 3, nanos: 500_000_000 }, 3500],
    ["seconds as text", { seconds: "3" }, 3000],
    ["nanos alone", { nanos: 500_000_000 }, 500],
    ["nothing", {}, 0],
    ["no number", { seconds: "x" }, undefined],
    ["a number", 3, undefined],
    ["null", null, undefined],
  ])("is Google's retryDelay of %s", (_, retryDelay, wait) => {
    expect(waitOf({ details: [{ retryDelay }] })).toBe(wait)
    expect(waitOf({ details: [{ retryDelay }, { reason: "R" }] })).toBe(wait)
  })

  it("is OpenRouter's reset, once nothing remains", () => {
    const headers = (remaining: unknown) => ({ "X-RateLimit-Remaining": remaining, "X-RateLimit-Reset": "5s" })
    expect(waitOf({ metadata: { headers: headers("0") } })).toBe(5000)
    expect(waitOf({ metadata: { headers: headers("1") } })).toBeUndefined()
    expect(waitOf({ metadata: { headers: headers(0) } })).toBeUndefined()
    expect(waitOf({ metadata: { headers: { "X-RateLimit-Remaining": "0" } } })).toBeUndefined()
    expect(waitOf({ metadata: { headers: 3 } })).toBeUndefined()
    expect(waitOf({ metadata: 3 })).toBeUndefined()
  })

  it("is that of a quoted error where it tells none itself", () => {
    const raw = (fields: object) => ({ metadata: { raw: error(fields) } })
    const quoted = raw({ details: [{ retryDelay: "3s" }] })
    expect(waitOf(quoted)).toBe(3000)
    expect(waitOf({ ...quoted, details: [{ retryDelay: "4s" }] })).toBe(4000)
    const reset = (time: string) => ({ headers: { "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": time } })
    expect(waitOf(raw({ metadata: reset("6s") }))).toBe(6000)
    expect(waitOf({ metadata: { ...raw({ metadata: reset("6s") }).metadata, ...reset("7s") } })).toBe(7000)
  })
})

describe("the filters that fired", () => {
  const categories = (fields: object) => read(error(fields)).categories
  const verdicts = { hate: { filtered: true }, self_harm: { detected: true }, violence: { filtered: false }, odd: 3 }

  it.each<readonly [string, object, ReadonlyArray<string> | undefined]>([
    ["Azure's in the error inside", { innererror: { content_filter_result: verdicts } }, ["hate", "self_harm"]],
    ["Azure's under their other name", { innererror: { content_filter_results: verdicts } }, ["hate", "self_harm"]],
    [
      "those of a list, each once",
      {
        content_filters: [
          { content_filter_results: verdicts },
          3,
          { content_filter_results: { hate: { filtered: true } } },
        ],
      },
      ["hate", "self_harm"],
    ],
    [
      "those of a list, where the error inside has none",
      { innererror: { content_filter_result: {} }, content_filters: [{ content_filter_results: verdicts }] },
      ["hate", "self_harm"],
    ],
    ["OpenRouter's reasons", { metadata: { reasons: ["sexual", 3, null, ""] } }, ["sexual", "3"]],
    ["those of a quoted error", { metadata: { raw: error({ metadata: { reasons: ["sexual"] } }) } }, ["sexual"]],
    ["none, where all passed", { innererror: { content_filter_result: { hate: { filtered: false } } } }, undefined],
    ["none, of odd fields", { innererror: { content_filter_result: 3 }, content_filters: 3, metadata: {} }, undefined],
    ["none, of no reasons", { metadata: { reasons: [] } }, undefined],
  ])("are %s", (_, fields, expected) => {
    expect(categories(fields)).toEqual(expected)
  })

  it("are told up to twenty, each with at most 200 characters", () => {
    const many = (from: number, count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, place) => [`f${from + place}`, { filtered: true }]))
    const first = Array.from({ length: 20 }, (_, place) => `f${place}`)
    expect(categories({ innererror: { content_filter_result: many(0, 21) } })).toEqual(first)
    const lists = [many(0, 15), many(15, 15)].map((content_filter_results) => ({ content_filter_results }))
    expect(categories({ content_filters: lists })).toEqual(first)
    const long = { ["l".repeat(201)]: { filtered: true } }
    expect(categories({ innererror: { content_filter_result: long } })).toEqual([`${"l".repeat(199)}…`])
    expect(categories({ metadata: { reasons: Array.from({ length: 21 }, (_, place) => `f${place}`) } })).toEqual(first)
  })
})

describe("the failure that a gateway quotes", () => {
  const quote = error({ code: "c" }, "deep down")

  it.each<readonly [string, object]>([
    ["as an object", { metadata: { raw: quote } }],
    ["as JSON", { metadata: { raw: JSON.stringify(quote) } }],
    ["as its message", { message: JSON.stringify(quote) }],
    ["as its message after a blank", { message: ` ${JSON.stringify([quote])}` }],
  ])("is read %s", (_, fields) => {
    expect(read(error(fields))).toMatchObject({ message: expect.stringContaining("deep down"), code: "c" })
  })

  it("as plain words is told beside the gateway's, once", () => {
    expect(read(error({ metadata: { raw: "deep down" } })).message).toBe("no: deep down")
    expect(read(error({ metadata: { raw: "deep down" } }, "It is deep down.")).message).toBe("It is deep down.")
    expect(read({ error: { metadata: { raw: "deep down" } } }).message).toBe('{"metadata":{"raw":"deep down"}}')
    const raw = JSON.stringify({ message: 'deep "down"' })
    expect(read({ error: { metadata: { raw } } }).message).toBe(JSON.stringify({ metadata: { raw } }))
  })

  it.each<readonly [string, object]>([
    ["nothing", { metadata: {} }],
    ["an empty text", { metadata: { raw: "" } }],
    ["null", { metadata: { raw: null } }],
    ["a message that only begins like JSON", { message: "{no}" }],
    ["a message with JSON in it", { message: `It said ${JSON.stringify(quote)}` }],
    ["a message that is a number of JSON", { message: "[1" }],
  ])("is not read from %s", (_, fields) => {
    const { code, message } = read(error(fields))
    expect([code, message]).toEqual([undefined, "message" in fields ? fields.message : "no"])
  })

  it("is parsed where it is at most 64 KiB long", () => {
    const long = (length: number) => {
      const text = JSON.stringify(quote)
      return `${text.slice(0, -1)}${" ".repeat(length - text.length)}}`
    }
    expect(read(error({ metadata: { raw: long(65_536) } })).code).toBe("c")
    expect(read(error({ metadata: { raw: long(65_537) } }))).not.toHaveProperty("code")
    expect(read(error({ message: long(65_536) })).code).toBe("c")
    expect(read(error({ message: long(65_537) }))).not.toHaveProperty("code")
  })
})

describe("the shape of an error body", () => {
  it.each<readonly [string, unknown, object]>([
    ["the fields at the top", { message: "no", type: "t", code: "c" }, { message: "no", type: "t", code: "c" }],
    ["an error as text", { error: "no", code: "c" }, { message: "no", code: "c" }],
    ["an empty error beside a detail", { error: "", detail: { message: "no" } }, { message: "no" }],
    ["an error as text beside a detail", { error: "no", detail: { message: "so" } }, { message: "no" }],
    [
      "an error as a word beside a message",
      { error: "Not Found", message: "No such model" },
      { message: "No such model" },
    ],
    ["an error as a number", { error: 429, message: "no" }, { message: "no", status: 429, code: "429" }],
    ["an error as a number beside a code", { error: 429, code: "c", message: "no" }, { message: "no", code: "c" }],
    ["an error as a list", { error: [{ message: "no", code: "c" }] }, { message: "no", code: "c" }],
    ["an error as an empty list", { error: [], message: "no" }, { message: "no" }],
    ["an error as an empty text", { error: "", message: "no" }, { message: "no" }],
    ["a list of errors", { errors: [{ message: "no", code: 7 }] }, { message: "no", code: "7" }],
    ["an empty list of errors", { errors: [], message: "no" }, { message: "no" }],
    ["a body in a list", [{ error: { message: "no" } }, { error: { message: "not this" } }], { message: "no" }],
    ["an empty list", [], { message: "the provider failed and said nothing" }],
    ["a detail that is an object", { detail: { message: "no", code: "c" } }, { message: "no", code: "c" }],
    ["a detail as text", { detail: "no" }, { message: "no" }],
    ["a detail that is a list of words", { detail: ["no"], title: "so" }, { message: "so" }],
    ["a fault of Apigee's", { fault: { faultstring: "no", detail: { a: 1 } } }, { message: "no" }],
    ["a fault with words of its own", { fault: { faultstring: "not this", message: "no" } }, { message: "no" }],
    ["MiniMax's base_resp", { base_resp: { status_code: 1004, status_msg: "no" } }, { message: "no", code: "1004" }],
    ["MiniMax's base_resp with a code", { base_resp: { status_code: 1, code: "c", status_msg: "no" } }, { code: "c" }],
    ["a number", 429, { message: "HTTP 429", status: 429 }],
    ["a number that is no status", 7, { message: "the provider failed and said nothing" }],
    ["true", true, { message: "the provider failed and said nothing" }],
    ["null", null, { message: "the provider failed and said nothing" }],
    ["text", "no", { message: "no" }],
    ["a title", { title: "no", status: 404 }, { message: "no", status: 404 }],
  ])("is %s", (_, body, expected) => {
    expect(read(body)).toMatchObject(expected)
    expect(read(body, 418).status).toBe(418)
  })

  it("without a word is told by its status", () => {
    for (const body of ["", " ", null, 7, []]) expect(read(body, 503).message).toBe("HTTP 503")
  })

  it("is followed through six others, and told as it is beyond them", () => {
    const inside = (depth: number): unknown => (depth === 0 ? { error: { message: "no" } } : [inside(depth - 1)])
    expect(read(inside(6)).message).toBe("no")
    expect(read(inside(7)).message).toBe('{"error":{"message":"no"}}')
    const lists = (depth: number): unknown => (depth === 0 ? { message: "no" } : { error: [lists(depth - 1)] })
    expect(read(lists(3)).message).toBe("no")
    expect(read(lists(4)).message).toBe('[{"message":"no"}]')
    const texts = (depth: number): object =>
      depth === 0 ? error({ code: "c" }) : error({}, JSON.stringify(texts(depth - 1)))
    expect(read(texts(6)).code).toBe("c")
    expect(read(texts(7))).not.toHaveProperty("code")
    const details = (depth: number): unknown => (depth === 0 ? { message: "no" } : { detail: details(depth - 1) })
    expect(read(details(6)).message).toBe("no")
    expect(read(details(7)).message).toBe('{"message":"no"}')
    const errors = (depth: number): unknown => (depth === 0 ? { message: "no" } : { errors: [errors(depth - 1)] })
    expect(read(errors(3)).message).toBe("no")
    expect(read(errors(4)).message).toBe('[{"message":"no"}]')
    const quotes = (depth: number): object =>
      error(depth === 0 ? {} : { metadata: { raw: quotes(depth - 1) } }, `${depth}`)
    expect(read(quotes(6)).message).toBe("6: 5: 4: 3: 2: 1: 0")
    expect(read(quotes(7)).message).toContain('1: {"error":{"message":"0"}}')
  })
})

describe("FastAPI's list of faults", () => {
  it("tells where each is and what should be there", () => {
    const detail = [
      { loc: ["body", "messages", 0, null], msg: "wrong", type: "t" },
      3,
      { loc: [], msg: "odd" },
      { a: 1 },
    ]
    expect(read({ detail }, 422)).toEqual(
      failure({
        message: 'body.messages.0: wrong; : odd; : {"a":1}',
        status: 422,
        type: "t",
        parameter: "body.messages.0",
      }),
    )
    expect(read({ detail: [{ msg: "odd" }] })).toEqual(failure({ message: ": odd" }))
  })

  it("is read up to twenty faults and twenty steps", () => {
    const steps = Array.from({ length: 21 }, (_, step) => step)
    const detail = Array.from({ length: 21 }, (_, place) => ({ loc: steps, msg: `m${place}` }))
    const { message, parameter } = read({ detail })
    expect(parameter).toBe(steps.slice(0, 20).join("."))
    expect(message).toContain("m19")
    expect(message).not.toContain("m20")
    expect(read({ detail: [3, { loc: [], msg: "odd" }] }).message).toBe(": odd")
    const late = [...Array.from({ length: 20 }, () => 3), { msg: "late" }]
    expect(read({ detail: late })).toEqual(failure({ message: "" }))
  })

  it("is at most 2,000 characters", () => {
    expect(String(read({ detail: [{ loc: ["a"], msg: "m".repeat(1997) }] }).message)).toBe(`a: ${"m".repeat(1997)}`)
    expect(String(read({ detail: [{ loc: ["a"], msg: "m".repeat(1998) }] }).message)).toBe(`a: ${"m".repeat(1996)}…`)
  })
})

describe("a body under a good status", () => {
  it.each<readonly [string, unknown]>([
    ["an error", { error: { message: "no" }, choices: [] }],
    ["an error as text", { error: "no" }],
    ["an event of type error", { type: "error", message: "no" }],
    ["an object that is an error", { object: "error", message: "no", choices: [] }],
    ["an error in a list", [{ error: { message: "no" } }]],
    ["a list of errors", { errors: [{ message: "no" }] }],
    ["MiniMax's base_resp", { base_resp: { status_code: 1004, status_msg: "no" } }],
    ["a fault", { fault: { faultstring: "no" } }],
    ["a detail", { detail: "no" }],
    ["a detail beside a name", { detail: [{ msg: "no" }], id: "1" }],
    ["words alone", { message: "no" }],
    ["words beside a code", { message: "no", id: "1", code: "c" }],
    ["words beside an error_code", { msg: "no", id: "1", error_code: 7 }],
    ["words beside a statusCode", { message: "no", id: "1", statusCode: "500" }],
    ["words beside a status_code", { message: "no", id: "1", status_code: 400 }],
    ["words beside a failing status", { message: "no", id: "1", status: 500 }],
    ["words of what did not succeed", { message: "no", id: "1", success: false }],
  ])("is a failure with %s", (_, body) => {
    expect(failureUnderSuccess(body)).toMatchObject({ _tag: "ProviderFailure", message: expect.stringContaining("no") })
  })

  it.each<readonly [string, unknown]>([
    ["nothing", undefined],
    ["text", "no"],
    ["an empty list", []],
    ["an empty object", {}],
    ["choices", { choices: [], message: "no", code: "c" }],
    ["content", { content: [], message: "no", code: "c" }],
    ["a delta", { delta: {}, message: "no", code: "c" }],
    ["figures", { usage: {}, message: "no", code: "c" }],
    ["output", { output: [], message: "no", code: "c" }],
    ["candidates", { candidates: [], message: "no", code: "c" }],
    ["an empty list of errors", { errors: [] }],
    ["MiniMax's base_resp of success", { base_resp: { status_code: 0, status_msg: "success" } }],
    ["a detail beside a type", { detail: "so", type: "ping" }],
    ["words beside an id", { message: "so", id: "1" }],
    ["words beside an object", { message: "so", object: "event" }],
    ["words beside a model", { message: "so", model: "m" }],
    ["words beside a type", { message: "so", type: "t" }],
    ["words beside a code that says that all is well", { message: "so", code: 0 }],
    ["words beside 200", { message: "so", code: "200", statusCode: 200 }],
    ["words beside a good status", { message: "so", status: "ok" }],
    ["a code without words", { code: "c" }],
    ["error: null", { error: null, choices: [{}] }],
  ])("is no failure with %s", (_, body) => {
    expect(failureUnderSuccess(body)).toBeUndefined()
  })

  it("is one where what only an answer has is null", () => {
    expect(failureUnderSuccess({ choices: null, message: "no" })).toMatchObject({ message: "no" })
  })

  it.each([
    [{ message: "no" }, true],
    [[1], true],
    ["no", true],
    [1, true],
    [true, true],
    [{}, false],
    [[], false],
    ["", false],
    [0, false],
    [false, false],
    [null, false],
    [undefined, false],
  ])("with the error field %j: %s", (field, expected) => {
    expect(reportsFailure(field)).toBe(expected)
  })
})

describe("a page", () => {
  const page = (body: string) => read(body, 502).message

  it.each([
    ["its title", "<html><head><title>\n 502 Bad </title></head><body><h1>Odd</h1></body></html>", "502 Bad"],
    ["its title, whatever the case", "<HTML><TITLE>Bad Gateway</TITLE></HTML>", "Bad Gateway"],
    ["a title with attributes", '<title lang="en">Bad</title>', "Bad"],
    ["its heading where the title is empty", "<title></title><h1 class=a>Bad</h1><p>Odd</p>", "Bad"],
    [
      "its body where it has neither",
      "<head>a</head><body class='b'><p>Bad</p>\n <b>Gateway</b></body>",
      "Bad Gateway",
    ],
    ["all that it shows where it has no body", "<p>Bad<br/>Gateway", "Bad Gateway"],
    ["all that it shows where its title does not end", "<title>Bad", "Bad"],
    ["what stands before half a tag", "<p>Bad <b", "Bad"],
    ["itself where it shows nothing", "<p></p>", "<p></p>"],
    ["its words where it is text", "  Bad < Gateway ", "Bad < Gateway"],
  ])("is told by %s", (_, body, words) => {
    expect(page(body)).toBe(words)
  })

  it("is read up to 16 KiB after the blanks before it", () => {
    const at = (place: number) => page(`  <p>${" ".repeat(place - 7)}Bad</p>`)
    expect(at(16_384)).toBe("Bad")
    expect(page(`<p>${" ".repeat(16_384 - 6)}Bad</p>`)).toBe("Bad")
    expect(page(`<p>${" ".repeat(16_384 - 4)}Bad</p>`)).toBe("B")
  })
})
