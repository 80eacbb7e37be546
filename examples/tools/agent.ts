import { runTools, tool } from "@wiseflow/llm"
import * as z from "zod"

const seats = new Map([
  ["LH 31", 2],
  ["LH 33", 0],
])

const findFlights = tool({
  description: "Flights between two cities on a day, with the seats that are left.",
  parameters: z.object({ from: z.string(), to: z.string(), day: z.iso.date() }),
  execute: ({ day }) => [...seats].map(([flight, left]) => ({ flight, day, left })),
})

const bookFlight = tool({
  description: "Books one seat.",
  parameters: z.object({ flight: z.string() }),
  needsApproval: true,
  execute: ({ flight }) => {
    const left = seats.get(flight) ?? 0
    // What a tool throws is told to the model, which may try another flight.
    if (left === 0) throw new Error(`${flight} is full`)
    seats.set(flight, left - 1)
    return { booked: flight }
  },
})

const response = await runTools({
  prompt: "Book me a flight from Bonn to Oslo on 2026-12-24.",
  tools: { find_flights: findFlights, book_flight: bookFlight },
  maxSteps: 8,
  timeout: "2 minutes",
  // Ask a person here. A refused call is told to the model too.
  approve: (call) => call.name === "book_flight" || "only bookings are allowed",
  onStep: ({ results }) => {
    for (const { content, name, outcome } of results) console.log(`${name} ${outcome}: ${JSON.stringify(content)}`)
  },
})

if ("error" in response) console.error(`${response.error} (${response.errorType})`)
else console.log(`${response.text} (${response.steps.length} steps, $${response.metadata.costUsd ?? "?"})`)
