/** For tests of programs that use this library. */
export * as Recorded from "./RecordedNames.ts"
export * as Scripted from "./ScriptedNames.ts"
