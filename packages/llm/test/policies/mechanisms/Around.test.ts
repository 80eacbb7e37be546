/** What a policy is told of each service that it stands around. */
import { expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { EmbeddingProvider } from "../../../src/model/EmbeddingProvider.ts"
import { LlmProvider } from "../../../src/model/LlmProvider.ts"
import { ModelInfo } from "../../../src/model/ModelInfo.ts"
import { type Around, kindOf } from "../../../src/policies/mechanisms/Around.ts"
import { identityOf } from "../../../src/policies/mechanisms/Surround.ts"
import * as Policy from "../../../src/policies/Policy.ts"
import * as ScriptedEmbeddings from "../../../src/testing/ScriptedEmbeddings.ts"
import * as ScriptedModels from "../../../src/testing/ScriptedModels.ts"
import { hello } from "../Calls.ts"
import { Upstream } from "../Upstream.ts"

/** A policy that notes what is asked for, and of which model. */
const noting = () => {
  const asked: Array<string> = []
  const policy = Policy.mechanism(() =>
    Effect.succeed(
      Policy.aroundAnswer({
        begin: (_context, request, _fiber, isStream) => {
          asked.push(`${isStream ? "streamed " : ""}${kindOf(request)} of ${request.model ?? "none"}`)
          return Result.succeed(undefined)
        },
        end: () => undefined,
      }),
    ),
  )
  return { asked, policy }
}

it.effect("a policy is told what is asked for, by each method of each service", () => {
  const { asked, policy } = noting()
  const services = Layer.mergeAll(
    new Upstream(() => "hello").layer,
    ScriptedEmbeddings.layerEmbeddings(),
    ScriptedModels.layerModels({ counts: [1] }),
  )
  return Effect.gen(function* () {
    const [llm, embedding, info] = [yield* LlmProvider, yield* EmbeddingProvider, yield* ModelInfo]
    const request = { ...hello, model: "m" }
    yield* llm.generate(request)
    yield* Stream.runDrain(llm.stream(request))
    yield* embedding.embed({ inputs: ["hello"], model: "v" })
    yield* info.countTokens(request)
    yield* info.models
    expect(asked).toEqual(["answer of m", "streamed answer of m", "embeddings of v", "tokens of m", "models of none"])
  }).pipe(Effect.provide(policy(services)))
})

it.effect("a count of the tokens of a request that cannot be read is refused before a policy looks at it", () => {
  const { asked, policy } = noting()
  const unreadable = Object.defineProperty({ ...hello }, "temperature", {
    enumerable: true,
    get: () => {
      throw new Error("not now")
    },
  })
  return Effect.gen(function* () {
    const { countTokens } = yield* ModelInfo
    expect((yield* Effect.flip(countTokens(unreadable))).reason._tag).toBe("InvalidRequestError")
    expect(asked).toEqual([])
  }).pipe(Effect.provide(policy(ScriptedModels.layerModels({ counts: [1] }))))
})

it.effect("what a policy changes in a request whose tokens are counted is counted", () => {
  const script = ScriptedModels.layerModels({ counts: [1, 2] })
  const around: Around = {
    effect: (request, run) => Effect.andThen(run(request), run({ ...request, model: "other", temperature: undefined })),
    stream: (request, run) => run(request),
  }
  return Effect.gen(function* () {
    const { countTokens } = yield* ModelInfo
    yield* countTokens({ ...hello, model: "one", temperature: 0 })
    expect(script.requests).toEqual([
      { ...hello, model: "one", temperature: 0 },
      { ...hello, model: "other", temperature: undefined },
    ])
  }).pipe(Effect.provide(script.pipe(Policy.mechanism(() => Effect.succeed(around)))))
})

it.effect("services share the name and model of the first that a context holds", () =>
  Effect.gen(function* () {
    const embedding = yield* Layer.build(ScriptedEmbeddings.layerEmbeddings([], { name: "vectors" }))
    const models = yield* Layer.build(ScriptedModels.layerModels({}, { name: "models" }))
    const llm = yield* Layer.build(new Upstream(() => "hello", "answers").layer)
    const all = Context.merge(Context.merge(models, embedding), llm)
    const names = [all, Context.merge(models, embedding), models, Context.empty()].map((each) => identityOf(each).name)
    expect(names).toEqual(["answers", "vectors", "models", "none"])
  }).pipe(Effect.scoped),
)
