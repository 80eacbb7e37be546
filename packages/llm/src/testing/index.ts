/** For tests of programs that use `LlmProvider`. */
export * as Scripted from "./Scripted.ts"
