/**
 * The two parts of undici that the transport uses, without the rest (fetch, WebSocket, cache, mocks), which takes longer to
 * load than this whole library. The version is pinned, because these paths are undici's own.
 */
import type { Agent as UndiciAgent, buildConnector as UndiciBuildConnector } from "undici"
// @ts-expect-error undici declares types for its index only
import AgentPart from "undici/lib/dispatcher/agent.js"
// @ts-expect-error undici declares types for its index only
import buildConnectorPart from "undici/lib/core/connect.js"
export type { buildConnector as Connector, Dispatcher } from "undici"

export const Agent: typeof UndiciAgent = AgentPart
export const buildConnector: typeof UndiciBuildConnector = buildConnectorPart
