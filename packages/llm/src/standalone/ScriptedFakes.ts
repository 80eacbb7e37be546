/** What `Scripted` holds for programs on promises: a whole `Llm` from a script, one answer, one failure. */
export type { Answer, ScriptedError, ScriptedOptions } from "../testing/Scripted.ts"
export { failure, llm, response, type ScriptedLlm, type ScriptedLlmOptions } from "../testing/ScriptedLlm.ts"
export type { CountAnswer, ModelScript } from "../testing/ScriptedModels.ts"
export { type EmbeddingAnswer, vectorOf } from "../testing/ScriptedEmbeddings.ts"
