/** A provider on a loopback port that the settings of a run lead to. */
import { LLMock } from "@copilotkit/aimock"

/** Answers everything with `content`; `settings` is the environment that leads to it. */
export const provider = async (content = "a configured answer", pace: { readonly latency?: number } = {}) => {
  const upstream = new LLMock({ host: "127.0.0.1", port: 0, ...pace })
  upstream.onMessage(/.*/, { content, usage: { prompt_tokens: 9, completion_tokens: 3 } })
  const url = await upstream.start()
  const settings = {
    LLM_PROVIDER: "openai",
    OPENAI_API_KEY: "sk-1",
    OPENAI_API_BASE: `${url}/v1`,
    PRIMARY_MODEL: "gpt-5-mini",
  }
  return { upstream, settings, [Symbol.asyncDispose]: () => upstream.stop() }
}
