/** The documented types of the vocabulary are those of its schemas: a field in one alone is found here. */
import { expectTypeOf, it } from "vitest"
import type * as Requests from "../../src/model/LlmRequest.ts"
import type * as Schemas from "../../src/model/LlmRequest.ts"

it("each type is its schema's", () => {
  expectTypeOf<Requests.LlmRequest>().toEqualTypeOf<(typeof Schemas.LlmRequest)["Type"]>()
  expectTypeOf<Requests.Message>().toEqualTypeOf<(typeof Schemas.Message)["Type"]>()
  expectTypeOf<Requests.ResponseFormat>().toEqualTypeOf<(typeof Schemas.ResponseFormat)["Type"]>()
  expectTypeOf<Requests.ToolDefinition>().toEqualTypeOf<(typeof Schemas.ToolDefinition)["Type"]>()
})
