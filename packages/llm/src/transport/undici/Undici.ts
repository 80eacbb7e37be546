/**
 * The two exports of undici that the transport uses, by its public API. Its index takes longer to load than the rest of
 * this library, so that only a module which is itself loaded late may import this file. A bundle that aliases `undici` to
 * the parts alone (`lib/dispatcher/client.js`, `lib/core/connect.js`) does not pay for the index.
 */
export { buildConnector, Client } from "undici"
export type { buildConnector as Connector, Dispatcher } from "undici"
