/** Each plain type of `@wiseflow/llm/promise` is what it stands for, or takes no more and gives no more than that. */
import type * as Duration from "effect/Duration"
import type { StandardSchemaV1 } from "effect/StandardSchema"
import { expectTypeOf, it } from "vitest"
import type * as Main from "@wiseflow/llm"
import type * as Promises from "@wiseflow/llm/promise"
import type * as Errors from "../../src/model/LlmError.ts"
import type * as Responses from "../../src/model/LlmResponse.ts"
import type * as Plain from "../../src/standalone/Plain.ts"
import type { AnySchema } from "../../src/tools/schemas/AnySchema.ts"
import type { Tool } from "../../src/tools/Tool.ts"

it("names the same values", () => {
  expectTypeOf<Plain.ErrorType>().toEqualTypeOf<Errors.ErrorType>()
  expectTypeOf<Plain.TimeoutClock>().toEqualTypeOf<Errors.TimeoutClock>()
  expectTypeOf<Plain.SystemCause>().toEqualTypeOf<Errors.SystemCause>()
  expectTypeOf<Plain.FinishReason>().toEqualTypeOf<Responses.FinishReason>()
  expectTypeOf<Plain.UsageStatus>().toEqualTypeOf<Responses.UsageStatus>()
})

it("takes what the library takes", () => {
  expectTypeOf<Plain.Duration>().toExtend<Duration.Input>()
  expectTypeOf<Plain.AnySchema>().toExtend<AnySchema>()
  expectTypeOf<Plain.StandardSchemaV1<string, number>>().toExtend<StandardSchemaV1<string, number>>()
  expectTypeOf<StandardSchemaV1<string, number>>().toExtend<Plain.StandardSchemaV1<string, number>>()
})

it("gives what the library gives", () => {
  expectTypeOf<Errors.LlmErrorReason>().toExtend<Plain.LlmErrorReason>()
  expectTypeOf<Errors.LlmError>().toExtend<Plain.LlmError>()
  expectTypeOf<Main.CallEvent>().toExtend<Plain.CallEvent>()
  expectTypeOf<Plain.CallEvent["type"]>().toEqualTypeOf<Main.CallEvent["type"]>()
  expectTypeOf<Tool>().toExtend<Plain.Tool>()
  expectTypeOf<Plain.OutputOf<StandardSchemaV1<string, number>>>().toEqualTypeOf<number>()
  expectTypeOf<Plain.InputOf<StandardSchemaV1<string, number>>>().toEqualTypeOf<string>()
})

it("exports the types of what an answer and an option hold", () => {
  expectTypeOf<Promises.OwnPrices>().toEqualTypeOf<Main.OwnPrices>()
  expectTypeOf<Promises.RateLimits>().toEqualTypeOf<Main.RateLimits>()
  expectTypeOf<Promises.Billing>().toEqualTypeOf<Main.Billing>()
  expectTypeOf<Promises.PriceSource>().toEqualTypeOf<Main.PriceSource>()
  expectTypeOf<Promises.TimeoutClock>().toEqualTypeOf<Main.TimeoutClock>()
  expectTypeOf<Promises.SystemCause>().toEqualTypeOf<Main.SystemCause>()
})
