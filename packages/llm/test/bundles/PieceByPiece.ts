/** An answer whose second piece is sent only when somebody has seen the first: it proves that pieces arrive as they come. */
import { beginEvents, chatEnd, chatPieces, type Reply } from "../guide/LoopbackUpstream.ts"

export interface PieceByPiece {
  readonly reply: Reply
  /** Says that the first piece was seen. */
  readonly seen: () => void
}

export const pieceByPiece = (first: string, second: string): PieceByPiece => {
  let seen = () => {}
  const wasSeen = new Promise<void>((resolve) => {
    seen = resolve
  })
  return {
    seen,
    reply: async ({ body: { model } }, response) => {
      beginEvents(response).write(chatPieces([first], model))
      await wasSeen
      response.end(chatPieces([second], model) + chatEnd(model))
    },
  }
}
