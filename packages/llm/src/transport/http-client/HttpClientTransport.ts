/**
 * Effect's `HttpClient` as the transport, for programs that bring their own: a proxy, a recorder, a platform's client. Its
 * own tracing is switched off for these requests: the call's span describes them, and trace headers stay at home.
 */
import * as Effect from "effect/Effect"
import * as Channel from "effect/Channel"
import * as Exit from "effect/Exit"
import { RequestInit } from "effect/http/FetchHttpClient"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Scope from "effect/Scope"
import { broken, type Exchange, type WireRequest } from "../Transport.ts"

/** Exchanges through `client`. */
export const make =
  (client: HttpClient.HttpClient) =>
  ({ body, headers, url }: WireRequest): Exchange => {
    const scope = Scope.makeUnsafe()
    const request = HttpClientRequest.post(url, {
      headers,
      body: HttpBody.text(body, headers["content-type"]),
    })
    const sent = client.execute(request).pipe(
      Effect.provideService(HttpClient.TracerDisabledWhen, () => true),
      Effect.provideService(RequestInit, { redirect: "manual" }),
    )
    let read: Exchange["read"] = Effect.fail(broken(new Error("nothing has been sent")))
    return {
      head: Effect.uninterruptibleMask((restore) =>
        Effect.matchEffect(restore(sent), {
          onFailure: (error) => Effect.fail(broken(error.reason.cause ?? error)),
          onSuccess: (response) =>
            Effect.map(Channel.toPullScoped(response.stream.channel, scope), (pull) => {
              read = Effect.mapError(pull, (error) => (error._tag === "Done" ? error : broken(error.reason.cause)))
              return { status: response.status, headers: response.headers }
            }),
        }),
      ),
      read: Effect.suspend(() => read),
      close: (isComplete) => {
        Effect.runFork(Scope.close(scope, isComplete ? Exit.void : Exit.interrupt()))
      },
    }
  }
