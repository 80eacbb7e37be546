/** The names of all providers. The build puts the list itself in place of this module: help then starts without the library. */
import { ProviderRegistry } from "@wiseflow/llm"

export const providerNames: ReadonlyArray<string> = ProviderRegistry.names
