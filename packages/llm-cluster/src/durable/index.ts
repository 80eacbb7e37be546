/** Work that survives the death of processes: batches and agents as workflows of Effect's cluster over PostgreSQL. */
export * as DurableBatch from "./DurableBatch.ts"
export * as DurableAgent from "./DurableAgent.ts"
