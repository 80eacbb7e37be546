/**
 * Opens undici's sockets and remembers which request each is opened for, because undici does not: it leaves a request
 * that is aborted while it connects, and lets its connection go on (law 11: an abort at any stage reaches the socket).
 */
import { Socket } from "node:net"
import { buildConnector, type Connector } from "./Undici.ts"

export interface UndiciConnector {
  /** For an `Agent` whose every request waits for a socket of its own (`pipelining: 1`, any number of connections). */
  readonly connect: Connector.connector
  /** Runs a dispatch, and gives the socket that it began to open; undefined where it found one open. */
  readonly openedBy: (dispatch: () => void) => Socket | undefined
}

/** A connector for HTTP/1.1. */
export const make = (timeoutMs: number): UndiciConnector => {
  const connector = buildConnector({ allowH2: false, timeout: timeoutMs })
  let opened: Socket | undefined
  return {
    connect: (options, callback) => {
      const socket: unknown = connector(options, callback)
      if (socket instanceof Socket) opened = socket
    },
    openedBy: (dispatch) => {
      opened = undefined
      dispatch()
      return opened
    },
  }
}
