/** Fakes for tests of programs on `@wiseflow/llm/promise`: `@wiseflow/llm/promise/testing`. It shares that entry's code. */
export * as Recorded from "./RecordedFakes.ts"
export * as Scripted from "./ScriptedFakes.ts"
