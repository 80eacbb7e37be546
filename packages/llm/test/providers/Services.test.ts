/** A row of the service table is reached in each way that a program names a provider: option, setting, and `provider/model`. */
import { describe, expect, it } from "vitest"
import { LLMInterface, unwrap } from "../../src/index.ts"
import { services } from "../../src/providers/services/ServiceTable.ts"

const answer = (model: string) => ({
  id: "c",
  model,
  choices: [{ index: 0, message: { role: "assistant", content: "Hello" }, finish_reason: "stop" }],
})

const messages = [{ role: "user", content: "Hello." }] as const

const upstream = () => {
  const asked: Array<{ readonly url: string; readonly headers: Headers; readonly model: string }> = []
  const fetch = async (input: string | URL | Request, init?: RequestInit) => {
    const request = new Request(input, init)
    const { model } = await request.json()
    asked.push({ url: request.url, headers: request.headers, model })
    return Response.json(answer(model))
  }
  return { asked, fetch }
}

describe.each(Object.values(services))("$name", ({ apiBase, keyHeader, name }) => {
  const apiKey = "sk-test-0123456789"
  it.each([
    ["by the option", { provider: name, model: "large", providers: { [name]: { apiKey } } }],
    ["by the model's name", { model: `${name}/large`, providers: { [name]: { apiKey } } }],
  ])("is asked at its own address %s", async (_, options) => {
    const { asked, fetch } = upstream()
    await using llm = new LLMInterface({ ...(options as object), fetch, logger: false })
    const { metadata } = unwrap(await llm.generate({ messages }))
    expect(metadata.provider).toBe(name)
    expect(asked).toMatchObject([{ url: `${apiBase}/chat/completions`, model: "large" }])
    const holding = Array.from(asked[0]?.headers ?? []).filter(([, value]) => value.includes(apiKey))
    expect(holding).toEqual([keyHeader === undefined ? ["authorization", `Bearer ${apiKey}`] : [keyHeader, apiKey]])
  })
})
