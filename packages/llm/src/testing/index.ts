/** For tests of programs that use this library. */
export * as Scripted from "./ScriptedNames.ts"
