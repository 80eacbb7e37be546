/**
 * The library's own encoder and decoder, by its public names: an interface whose `fetch` sends nothing. It keeps the request
 * that it is given, and answers with a result of a batch, so that bodies, answers, usage, prices and errors are the library's.
 */
import { type GenerateOptions, type GenerateResponse, type InterfaceOptions, LLMInterface } from "@wiseflow/llm"
import type { BatchLine } from "../batch/BatchLine.ts"
import type { EncodedRequest, Reply } from "./services/BatchService.ts"

/** What a line asks. */
type Asked = NonNullable<BatchLine["request"]>

/** Answers a request whose body was all that was wanted. */
const caughtReply: Reply = { status: 400, headers: {}, body: '{"error":{"message":"caught"}}' }

/** Encodes and decodes one request at a time. */
export class RequestCodec {
  private readonly options: InterfaceOptions
  private llm: LLMInterface
  private caught: EncodedRequest | undefined
  private reply: Reply = caughtReply
  private turn: Promise<unknown> = Promise.resolve()

  constructor(options: InterfaceOptions) {
    this.options = {
      ...options,
      maxRetries: 0,
      fallbacks: [],
      logLevel: "none",
      telemetry: false,
      fetch: async (url, init) => {
        const headers = Object.fromEntries(new Headers(init.headers))
        this.caught ??= { url, headers, body: await new Response(init.body).text() }
        const { body, headers: told, status } = this.reply
        return new Response(body, { status, headers: { "content-type": "application/json", ...told } })
      },
    }
    this.llm = new LLMInterface(this.options)
  }

  /** The request as it would be sent, or what the library says where none would be. */
  async encode(
    request: Asked,
  ): Promise<{ readonly request: EncodedRequest } | { readonly response: GenerateResponse }> {
    return this.inTurn(async () => {
      const response = await this.generate(request, caughtReply)
      return this.caught === undefined ? { response } : { request: this.caught }
    })
  }

  /** What the library makes of an answer. */
  async decode(request: Asked, reply: Reply): Promise<GenerateResponse> {
    return this.inTurn(() => this.generate(request, reply))
  }

  /** Ends it. */
  async dispose(): Promise<void> {
    await this.turn
    await this.llm.dispose()
  }

  private inTurn<A>(act: () => Promise<A>): Promise<A> {
    const result = this.turn.then(act)
    this.turn = result.catch(() => {})
    return result
  }

  private async generate(request: Asked, reply: Reply): Promise<GenerateResponse> {
    this.caught = undefined
    this.reply = reply
    const asked: Asked & Pick<GenerateOptions, "signal"> = request
    const response = await this.llm.generate(asked)
    // Failures of the past say nothing of how the provider does now: a new interface has a closed circuit.
    if ("error" in response && reply !== caughtReply) {
      await this.llm.dispose()
      this.llm = new LLMInterface(this.options)
    }
    return response
  }
}
