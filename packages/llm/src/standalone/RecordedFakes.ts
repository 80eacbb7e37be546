/** What `Recorded` holds for programs on promises: a whole `Llm` that plays recordings. */
export { llm, type RecordedLlmOptions } from "../testing/RecordedLlm.ts"
export type { RecordingMode } from "../testing/Tape.ts"
