import { type Llm, unwrap } from "@wiseflow/llm"

/** A program takes what it needs of the library, so that a test can pass something else. */
export const headline = async (llm: Pick<Llm, "generate">, article: string): Promise<string> => {
  const response = await llm.generate({
    messages: [
      { role: "system", content: "Answer with one headline, without quotes." },
      { role: "user", content: article },
    ],
  })
  return unwrap(response).text.trim()
}
