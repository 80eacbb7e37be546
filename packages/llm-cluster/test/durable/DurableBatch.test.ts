/** What a program sees of a durable batch, with one runner in this process and a real PostgreSQL. */
import { InvalidRequestError, LlmError, LlmProvider } from "@wiseflow/llm"
import { DurableBatch } from "@wiseflow/llm-cluster/durable"
import { assert, describe, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import { fake } from "../programs/Fake.ts"
import { freePort, missing } from "../servers/Binaries.ts"
import { PostgresServer } from "../servers/PostgresServer.ts"

const reason = missing("postgres")
if (reason !== undefined) process.stderr.write(`skipped: ${reason}\n`)

// After the database was away a runner tries for some seconds to give back locks that it no longer has.
/** The servers, and what the runner's provider was asked. */
class Bench extends Context.Service<
  Bench,
  {
    readonly postgres: PostgresServer
    readonly asked: Array<string>
    /** Questions of these names are answered when these are done. */
    readonly held: Deferred.Deferred<void>
    readonly away: Deferred.Deferred<void>
  }
>()("Bench") {}

const bench = Layer.effect(
  Bench,
  Effect.acquireRelease(
    Effect.all({
      postgres: Effect.promise(() => PostgresServer.start()),
      asked: Effect.sync((): Array<string> => []),
      held: Deferred.make<void>(),
      away: Deferred.make<void>(),
    }),
    ({ postgres }) => Effect.promise(() => postgres[Symbol.asyncDispose]()),
  ),
)

const refusal = new LlmError({
  reason: new InvalidRequestError({ message: "no" }),
  provider: "fake",
  attempts: [],
})

const runner = Effect.gen(function* () {
  const { asked, away, held, postgres } = yield* Bench
  const inner = Context.get(yield* Layer.build(fake(Effect.void)), LlmProvider)
  const provider = Layer.succeed(LlmProvider, {
    ...inner,
    generate: (request) => {
      const [message] = request.messages
      const question = typeof message?.content === "string" ? message.content : ""
      asked.push(question)
      if (question === "wrong") return Effect.fail(refusal)
      if (question === "defect") return Effect.die(new Error("a bug"))
      if (question === "odd") return Effect.map(inner.generate(request), (answer) => ({ ...answer, text: Object(5) }))
      if (question === "held") return Effect.andThen(Deferred.await(held), inner.generate(request))
      if (question === "away") return Effect.andThen(Deferred.await(away), inner.generate(request))
      return inner.generate(request)
    },
  })
  const port = yield* Effect.promise(() => freePort())
  return DurableBatch.layerRunner({
    url: postgres.url,
    address: { host: "127.0.0.1", port },
    failover: "12 seconds",
  }).pipe(Layer.provide(provider))
}).pipe(
  Layer.unwrap,
  Layer.provideMerge(bench),
  // The cluster tells at length what a database that is away does to it.
  Layer.provide(Layer.succeed(References.MinimumLogLevel, "None")),
)

const item = (id: string, content = id): DurableBatch.BatchItem => ({
  id,
  request: { messages: [{ role: "user", content }], temperature: 0 },
})

const collect = (batch: string, options: DurableBatch.ResultsOptions = {}) =>
  Effect.flatMap(DurableBatch.DurableBatch, ({ results }) =>
    Stream.runCollect(results(batch, { pollEvery: "50 millis", ...options })),
  )

const submit = (batch: string, ...items: ReadonlyArray<DurableBatch.BatchItem>) =>
  Effect.flatMap(DurableBatch.DurableBatch, (batches) => batches.submit(batch, Stream.fromIterable(items)))

describe.skipIf(reason !== undefined)("a durable batch", () => {
  layer(runner, { excludeTestServices: true, timeout: 60_000 })((it) => {
    it.effect(
      "gives answers and failures as data, in the order submitted",
      () =>
        Effect.gen(function* () {
          const ids = ["first", "wrong", "defect", "odd", "last"]
          assert.strictEqual(yield* submit("outcomes", ...ids.map((id) => item(id))), 5)
          const results = yield* collect("outcomes", { pageSize: 3 })
          const told = results.map(({ id, outcome, place }) => [
            place,
            id,
            outcome._tag === "Answered" ? outcome.response.text : outcome.error.reason._tag,
          ])
          assert.deepStrictEqual(told, [
            [0, "first", "fine"],
            [1, "wrong", "InvalidRequestError"],
            [2, "defect", "InvalidResponseError"],
            [3, "odd", "InvalidResponseError"],
            [4, "last", "fine"],
          ])
          const after = yield* collect("outcomes", { after: 3 })
          assert.deepStrictEqual(
            after.map(({ id }) => id),
            ["last"],
          )
        }),
      60_000,
    )

    it.effect(
      "asks nothing again when the same items are submitted again",
      () =>
        Effect.gen(function* () {
          const { asked } = yield* Bench
          yield* submit("again", item("once"))
          yield* collect("again")
          assert.strictEqual(yield* submit("again", item("once"), item("added")), 2)
          assert.lengthOf(yield* collect("again"), 2)
          assert.deepStrictEqual(
            asked.filter((question) => question === "once" || question === "added"),
            ["once", "added"],
          )
        }),
      60_000,
    )

    it.effect(
      "refuses an id with another request, at another place, or that is empty or holds a NUL",
      () =>
        Effect.gen(function* () {
          yield* submit("conflicts", item("one"), item("two"))
          const refused = (...items: ReadonlyArray<DurableBatch.BatchItem>) =>
            Effect.map(Effect.flip(submit("conflicts", ...items)), ({ reason }) => reason)
          assert.strictEqual(yield* refused(item("one", "another question")), "conflict")
          assert.strictEqual(yield* refused(item("two"), item("one")), "conflict")
          assert.strictEqual(yield* refused(item("three")), "conflict")
          assert.strictEqual(yield* refused(item("")), "invalid")
          assert.strictEqual(yield* refused(item("a\0b")), "invalid")
          assert.strictEqual(yield* Effect.map(Effect.flip(submit("", item("one"))), ({ reason }) => reason), "invalid")
        }),
      60_000,
    )

    it.effect(
      "says so where no batch has the name",
      () =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(collect("never"))
          assert.strictEqual(error.reason, "unknown")
          assert.include(error.message, "never")
        }),
      60_000,
    )

    it.effect(
      "gives what is done without waiting, and counts the rest",
      () =>
        Effect.gen(function* () {
          const { held } = yield* Bench
          const batches = yield* DurableBatch.DurableBatch
          yield* submit("partly", item("held"), item("quick"))
          let done = yield* collect("partly", { wait: false })
          while (done.length === 0) done = yield* Effect.delay(collect("partly", { wait: false }), "20 millis")
          assert.deepStrictEqual(
            done.map(({ id }) => id),
            ["quick"],
          )
          assert.deepInclude(yield* batches.progress("partly"), { items: 2, answered: 1, failed: 0, waiting: 1 })
          assert.strictEqual((yield* Effect.flip(batches.forget("partly"))).reason, "conflict")
          yield* Deferred.succeed(held, undefined)
          assert.lengthOf(yield* collect("partly"), 2)
        }),
      60_000,
    )

    it.effect(
      "leaves nothing behind of a batch that is forgotten",
      () =>
        Effect.gen(function* () {
          const { postgres } = yield* Bench
          const batches = yield* DurableBatch.DurableBatch
          yield* submit("forgotten", item("one"), item("two"))
          yield* collect("forgotten")
          const rows = () =>
            postgres.query(
              `SELECT count(*) FROM cluster_messages WHERE payload LIKE '%"forgotten"%'
             UNION ALL SELECT count(*) FROM wiseflow_batch_items WHERE batch = 'forgotten'
             UNION ALL SELECT count(*) FROM cluster_replies WHERE request_id NOT IN (SELECT id FROM cluster_messages)`,
            )
          assert.deepStrictEqual(rows(), ["2", "2", "0"])
          yield* batches.forget("forgotten")
          assert.deepStrictEqual(rows(), ["0", "0", "0"])
        }),
      60_000,
    )

    it.effect(
      "completes a submission that broke off",
      () =>
        Effect.gen(function* () {
          const { asked } = yield* Bench
          const batches = yield* DurableBatch.DurableBatch
          const ids = Array.from({ length: 250 }, (_, place) => `part-${place}`)
          const all = Stream.map(Stream.fromIterable(ids), (id) => item(id))
          const broken = Stream.concat(Stream.take(all, 130), Stream.fail("broke off"))
          assert.strictEqual(yield* Effect.flip(batches.submit("parts", broken)), "broke off")
          assert.strictEqual((yield* batches.progress("parts")).items, undefined)
          assert.strictEqual(yield* batches.submit("parts", all), 250)
          const results = yield* collect("parts")
          assert.deepStrictEqual(
            results.map(({ id }) => id),
            ids,
          )
          const parts = asked.filter((question) => question.startsWith("part-"))
          assert.strictEqual(new Set(parts).size, 250)
          // A machine that is too busy for the runner's locks has it begin again with what is in flight.
          assert.isAtMost(parts.length, 250 + 16)
        }),
      60_000,
    )

    it.effect(
      "refuses settings that cannot work, by name",
      () =>
        Effect.gen(function* () {
          const { postgres } = yield* Bench
          const port = yield* Effect.promise(() => freePort())
          const refused = (options: Partial<DurableBatch.RunnerOptions>) =>
            DurableBatch.layerRunner({ url: postgres.url, address: { host: "127.0.0.1", port }, ...options }).pipe(
              Layer.provide(fake(Effect.void)),
              // The runner of the other tests shares nothing with it.
              Layer.fresh,
              Layer.build,
              Effect.scoped,
              Effect.flip,
            )
          for (const name of ["concurrency", "connections", "shares"]) {
            assert.include((yield* refused({ [name]: 0.5 })).message, name)
          }
          assert.include((yield* refused({ failover: "soon" as "1 second" })).message, "failover")
          for (const name of ["failover", "drain"]) {
            assert.include((yield* refused({ [name]: "Infinity" })).message, `${name} must be a finite duration`)
          }
          assert.include((yield* Effect.flip(collect("any", { pageSize: 0 }))).message, "pageSize")
          assert.include(
            (yield* refused({ address: { host: "127.0.0.1", port: postgres.port } })).message,
            `127.0.0.1:${postgres.port}`,
          )
          assert.strictEqual((yield* refused({ url: `postgres://nobody@127.0.0.1:${port}/none` })).reason, "store")
        }),
      60_000,
    )

    /** Runs while the database does this at each item that is handed to the cluster. */
    const atHandOver = <A, E, R>(action: string, effect: Effect.Effect<A, E, R>) =>
      Effect.gen(function* () {
        const { postgres } = yield* Bench
        const change = (statements: string) => Effect.promise(() => postgres.change(statements))
        yield* change(
          `CREATE SEQUENCE hand_overs;
           CREATE FUNCTION hand_over() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${action} RETURN NEW; END $$;
           CREATE TRIGGER hand_over BEFORE INSERT ON cluster_messages FOR EACH ROW EXECUTE FUNCTION hand_over()`,
        )
        const dropped = change(
          "SET client_min_messages = error; DROP FUNCTION hand_over CASCADE; DROP SEQUENCE hand_overs",
        )
        return yield* Effect.ensuring(effect, dropped)
      })

    it.effect(
      "hands an item over again when the failure passes",
      () =>
        Effect.gen(function* () {
          // A sequence counts on where a transaction is undone.
          const deadlocks = "IF nextval('hand_overs') <= 3 THEN RAISE deadlock_detected; END IF;"
          assert.strictEqual(yield* atHandOver(deadlocks, submit("passing", item("passing"))), 1)
          assert.lengthOf(yield* collect("passing"), 1)
        }),
      60_000,
    )

    it.effect(
      "says why an item could not be handed over, without what the database said, and takes it later",
      () =>
        Effect.gen(function* () {
          const refusal = "RAISE check_violation USING MESSAGE = 'secret';"
          const error = yield* Effect.flip(atHandOver(refusal, submit("refused", item("refused"))))
          assert.strictEqual(error.reason, "store")
          assert.strictEqual(
            error.message,
            "an item could not be handed to a runner: the database failed: ConstraintError",
          )
          assert.propertyVal(error.cause, "_tag", "PersistenceError")
          assert.strictEqual(yield* submit("refused", item("refused")), 1)
          assert.lengthOf(yield* collect("refused"), 1)
        }),
      60_000,
    )

    it.effect(
      "goes on when the database comes back",
      () =>
        Effect.gen(function* () {
          const { asked, away, postgres } = yield* Bench
          yield* submit("away", item("away"), item("next"))
          while (!asked.includes("away")) yield* Effect.sleep("20 millis")
          yield* Effect.promise(() => postgres.kill())
          const error = yield* Effect.flip(collect("away"))
          assert.strictEqual(error.reason, "store")
          // The answer comes while there is nowhere to write it.
          yield* Deferred.succeed(away, undefined)
          yield* Effect.promise(() => postgres.up())
          const results = yield* Effect.retry(collect("away"), {
            while: ({ reason }) => reason === "store",
            times: 1000,
          })
          assert.deepStrictEqual(
            results.map(({ id, outcome }) => [id, outcome._tag]),
            [
              ["away", "Answered"],
              ["next", "Answered"],
            ],
          )
          assert.isAtMost(asked.filter((question) => question === "away").length, 2)
        }),
      120_000,
    )
  })
})
