/**
 * The two parts of undici that the transport uses, without the rest (fetch, WebSocket, cache, mocks), which takes longer to
 * load than this whole library. The version is pinned, because these paths are undici's own.
 */
import type { buildConnector as UndiciBuildConnector, Client as UndiciClient } from "undici"
// @ts-expect-error undici declares types for its index only
import buildConnectorPart from "undici/lib/core/connect.js"
// @ts-expect-error undici declares types for its index only
import ClientPart from "undici/lib/dispatcher/client.js"
export type { buildConnector as Connector, Dispatcher } from "undici"

export type Client = UndiciClient

export const Client: typeof UndiciClient = ClientPart
export const buildConnector: typeof UndiciBuildConnector = buildConnectorPart
