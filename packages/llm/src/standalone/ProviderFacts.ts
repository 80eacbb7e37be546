/** What `ProviderRegistry` holds without effect: the facts of each provider, and no way to reach one. */
export {
  find,
  findByModel,
  isProviderName,
  names,
  type ProtocolName,
  type ProviderName,
  type ProviderRow,
  rows,
  variablesOf,
} from "../providers/Registry.ts"
