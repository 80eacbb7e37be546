/** The upstream's process. */
import { answerParent } from "../Conversation.ts"
import { startUpstream } from "./Upstream.ts"
import type { UpstreamAnswers } from "./UpstreamProcess.ts"

const upstream = await startUpstream()

answerParent<{ readonly kind: keyof UpstreamAnswers; readonly count?: number }>(async (question) => {
  switch (question.kind) {
    case "start":
      return { port: upstream.port }
    case "requests":
      return upstream.requests()
    case "until-held":
      await upstream.untilHeld(question.count ?? 0)
      return null
    case "release":
      upstream.release()
      return null
  }
})
