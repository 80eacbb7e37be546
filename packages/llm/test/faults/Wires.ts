/** The wires that the fault scenarios speak, by name. */
import { responses } from "./ResponsesText.ts"
import { chat, messages, type WireName, type WireText } from "./WireText.ts"

export const wires: Readonly<Record<WireName, WireText>> = { chat, messages, responses }
