import { readFile } from "node:fs/promises"
import { generate } from "@wiseflow/llm"

const [picture = "receipt.png", document = "contract.pdf"] = process.argv.slice(2)

const response = await generate({
  messages: [
    {
      role: "user",
      content: [
        { type: "text", text: "Does the receipt fit the contract? Answer in one sentence." },
        { type: "image", data: await readFile(picture) },
        { type: "file", data: await readFile(document), filename: "contract.pdf" },
        // By address, where the provider can fetch it: { type: "image", url: "https://example.com/receipt.png" }
      ],
    },
  ],
})

console.log("error" in response ? response.error : response.text)
