/** A collector that takes everything and keeps nothing, in a process of its own. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

const server = createServer((request, response) => {
  request.resume()
  request.on("end", () => response.end("{}"))
})

server.listen(0, "127.0.0.1", () => {
  process.send?.((server.address() as AddressInfo).port)
})
