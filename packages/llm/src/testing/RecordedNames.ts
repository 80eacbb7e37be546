/** What `Recorded` holds: Layers for programs that ask for services, and a whole `Llm` for programs that use promises. */
export { layer, layerEmbeddings, type RecordedOptions } from "./Recorded.ts"
export { llm, type RecordedLlmOptions } from "./RecordedLlm.ts"
export type { RecordingMode, RecordingOptions } from "./Tape.ts"
