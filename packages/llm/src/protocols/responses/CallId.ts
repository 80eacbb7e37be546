/** Ids of tool calls as Responses accepts them: 1 to 64 characters (OpenAI's OpenAPI 2.3). Other makers write longer ones. */

const longest = 64

/** FNV-1a, 32 bits: the same text gives the same digits in every process. */
const hash = (text: string): string => {
  let state = 2166136261
  for (let place = 0; place < text.length; place++) state = Math.imul(state ^ text.charCodeAt(place), 16777619)
  return (state >>> 0).toString(36).padStart(7, "0")
}

/** The id, shortened the same way each time, so that a call and its output still agree. */
export const callId = (id: string): string =>
  id === "" ? "call" : id.length <= longest ? id : `${id.slice(0, longest - 8)}_${hash(id)}`
