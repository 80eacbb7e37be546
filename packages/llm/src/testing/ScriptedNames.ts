/** What `Scripted` holds: the Layer for programs that ask for `LlmProvider`, the fakes for programs that use promises. */
export { type Answer, layer, type ScriptedError, type ScriptedLayer, type ScriptedOptions } from "./Scripted.ts"
export { failure, llm, response, type ScriptedLlm, type ScriptedLlmOptions } from "./ScriptedLlm.ts"
export { type CountAnswer, layerModels, type ModelScript, type ScriptedModels } from "./ScriptedModels.ts"
export { type EmbeddingAnswer, layerEmbeddings, type ScriptedEmbeddings, vectorOf } from "./ScriptedEmbeddings.ts"
