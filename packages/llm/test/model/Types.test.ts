/** The documented types of the vocabulary are those of its schemas: a field in one alone is found here. */
import { expectTypeOf, it } from "vitest"
import type * as Events from "../../src/model/LlmEvent.ts"
import type * as Responses from "../../src/model/LlmResponse.ts"
import type * as Requests from "../../src/model/LlmRequest.ts"

it("each type is its schema's", () => {
  expectTypeOf<Requests.LlmRequest>().toEqualTypeOf<(typeof Requests.LlmRequest)["Type"]>()
  expectTypeOf<Requests.Message>().toEqualTypeOf<(typeof Requests.Message)["Type"]>()
  expectTypeOf<Requests.ResponseFormat>().toEqualTypeOf<(typeof Requests.ResponseFormat)["Type"]>()
  expectTypeOf<Requests.ToolDefinition>().toEqualTypeOf<(typeof Requests.ToolDefinition)["Type"]>()
  expectTypeOf<Responses.LlmResponse>().toEqualTypeOf<(typeof Responses.LlmResponse)["Type"]>()
  expectTypeOf<Responses.AttemptRecord>().toEqualTypeOf<(typeof Responses.AttemptRecord)["Type"]>()
  expectTypeOf<Events.LlmEvent>().toEqualTypeOf<(typeof Events.LlmEvent)["Type"]>()
})
