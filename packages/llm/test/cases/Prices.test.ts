/** What answers cost as services bill them (law 19): the two cases of the field, and their siblings through streams. */
import { describe, expect } from "vitest"
import type { Case } from "./Case.ts"
import { checkCase, checkSharedCase } from "./CheckCase.ts"
import { eventsOf } from "./Samples.ts"

const counted = { prompt_tokens: 1_000, completion_tokens: 1_000, total_tokens: 2_000 }

/** The same answer whole and as a stream. */
const chat = (beside: object, usage: object = {}, headers: Record<string, string> = {}): Case["answers"] => {
  const figures = { ...counted, ...usage }
  const choice = { index: 0, finish_reason: "stop" }
  return [
    {
      headers,
      body: {
        model: "gpt-5-mini",
        choices: [{ ...choice, message: { role: "assistant", content: "ok" } }],
        usage: figures,
        ...beside,
      },
      sse: eventsOf(
        { model: "gpt-5-mini", choices: [{ ...choice, delta: { content: "ok" } }], ...beside },
        { model: "gpt-5-mini", choices: [], usage: figures },
        "[DONE]",
      ),
    },
  ]
}

const costs = (name: string, answers: Case["answers"], costUsd: number | null, priceSource?: string) =>
  checkCase(name, { right: "The cost that is known.", answers }, async ({ ask }, through) => {
    const { metadata } = (await ask(through)).response
    if (costUsd === null) expect(metadata.costUsd).toBeNull()
    else expect(metadata.costUsd).toBeCloseTo(costUsd, 12)
    expect(metadata.priceSource).toBe(priceSource)
    expect(metadata.attempts[0]).toMatchObject({ costUsd: metadata.costUsd, ...(priceSource && { priceSource }) })
  })

describe("the cost that a service reports itself", () => {
  checkSharedCase("openrouter-usage-cost", async ({ ask }, through) => {
    expect((await ask(through)).response.metadata).toMatchObject({ costUsd: 0.018, priceSource: "service" })
  })

  costs("wins as a number (OpenRouter)", chat({}, { cost: 0.018 }), 0.018, "service")
  costs("wins as a text", chat({}, { cost: "0.018" }), 0.018, "service")
  costs(
    "wins as a total of parts (Perplexity)",
    chat({}, { cost: { request_cost: 0.005, total_cost: 0.006 } }),
    0.006,
    "service",
  )
  costs("wins in ticks (xAI)", chat({}, { cost_in_usd_ticks: 37_756_000 }), 0.0037756, "service")
  costs("may be nothing", chat({}, { cost: 0 }), 0, "service")
  costs(
    "is the fee and what the provider bills, where OpenRouter asked with the caller's own key",
    chat({}, { cost: 0.001, is_byok: true, cost_details: { upstream_inference_cost: 0.02 } }),
    0.021,
    "service",
  )
  costs(
    "is not known where only the fee for the caller's own key is told",
    chat({}, { cost: 0.001, is_byok: true, cost_details: { upstream_inference_cost: null } }),
    null,
  )
  costs("wins in LiteLLM's header", chat({}, { cost: 3 }, { "x-litellm-response-cost": "0.25" }), 0.25, "service")
  costs("counts as absent where it is no amount", chat({}, { cost: -1 }, { "x-litellm-response-cost": "-2" }), null)
  costs(
    "counts as absent where it is not a number",
    chat({}, { cost: "free" }, { "x-litellm-response-cost": "None" }),
    null,
  )
})

describe("an answer at a foreign base", () => {
  checkSharedCase("flex-tier-cost", async ({ ask }, through) => {
    expect((await ask(through)).response.metadata.costUsd).toBeNull()
  })

  costs("is never priced from the list of the model's maker", chat({}), null)
})
