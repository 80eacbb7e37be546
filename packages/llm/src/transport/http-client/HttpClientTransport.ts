/**
 * Effect's `HttpClient` as the transport, for programs that bring their own: a proxy, a recorder, a platform's client. The
 * client's effects run in the call's own fiber and context; only its tracing is off, because the call's span describes the
 * request already and trace headers must not reach a third party.
 */
import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { RequestInit } from "effect/http/FetchHttpClient"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import { decode } from "../codings/ContentCoding.ts"
import { afterMs } from "../RealTime.ts"
import { broken, type Broken, drainMs, type Exchange, type Head, type WireRequest } from "../Transport.ts"

const requestOf = ({ body, headers, method = "POST", url }: WireRequest): HttpClientRequest.HttpClientRequest =>
  HttpClientRequest.make(method)(url, {
    headers,
    ...(body === undefined ? {} : { body: HttpBody.text(body, headers["content-type"]) }),
  })

/** The caller's context with tracing off, and with redirects left alone by a client that is made of `fetch`. */
const quietly = (context: Context.Context<never>): Context.Context<never> =>
  Context.add(context, HttpClient.TracerDisabledWhen, () => true).pipe(
    Context.add(RequestInit, { ...Context.getOrUndefined(context, RequestInit), redirect: "manual" }),
  )

/** A client made with `filterStatusOk` gives a failing status as an error; the answer is in it. */
const responseOf = (error: HttpClientError.HttpClientError): HttpClientResponse | undefined =>
  error.reason._tag === "StatusCodeError" ? error.reason.response : undefined

const connectionError = (error: HttpClientError.HttpClientError): Broken => broken(error.reason.cause ?? error)

/** A body that never came is an empty one. */
const bodyError = (error: Cause.Done | HttpClientError.HttpClientError): Effect.Effect<never, Cause.Done | Broken> =>
  error._tag === "Done"
    ? Effect.fail(error)
    : error.reason._tag === "EmptyBodyError"
      ? Cause.done()
      : Effect.fail(connectionError(error))

const patience = Effect.callback<void>((resume) => Effect.sync(afterMs(drainMs, () => resume(Effect.void))))

/** Reads what is left of a body that is about to end. The answer is complete, so that nothing in it can fail the call. */
const drain = (read: Exchange["read"]): Effect.Effect<void> => {
  const rest: Effect.Effect<void> = Pull.matchEffect(read, {
    onSuccess: () => rest,
    onFailure: () => Effect.void,
    onDone: () => Effect.void,
  })
  return Effect.raceFirst(Effect.interruptible(rest), Effect.interruptible(patience))
}

/** Exchanges through `client`. */
export const make = (client: HttpClient.HttpClient) => {
  // Closing the scope aborts the request, also one whose answer nobody began to read.
  const scoped = HttpClient.withScope(client)
  return (wire: WireRequest): Exchange => {
    const scope = Scope.makeUnsafe()
    let read: Exchange["read"] | undefined
    const sent = scoped
      .execute(requestOf(wire))
      .pipe(Effect.provideService(Scope.Scope, scope), Effect.updateContext(quietly))
    const begin = (response: HttpClientResponse): Effect.Effect<Head> =>
      Effect.map(Channel.toPullScoped(response.stream.channel, scope), (pull) => {
        const bytes = Effect.catchEager(pull, bodyError)
        const coding = response.headers["content-encoding"]
        // Some clients decode and keep the header.
        read = coding === undefined ? bytes : decode(bytes, coding, true)
        return { status: response.status, headers: response.headers }
      })
    return {
      head: Effect.uninterruptibleMask((restore) =>
        Effect.matchEffect(restore(sent), {
          onFailure: (error) => {
            const response = responseOf(error)
            return response === undefined ? Effect.fail(connectionError(error)) : begin(response)
          },
          onSuccess: begin,
        }),
      ),
      read: Effect.suspend(() => read ?? Effect.fail(broken(new Error("nothing has been sent")))),
      close: (isComplete) => {
        const release = Scope.close(scope, isComplete ? Exit.void : Exit.interrupt())
        return isComplete && read !== undefined ? Effect.andThen(drain(read), release) : release
      },
    }
  }
}
