/**
 * Effect's cluster over PostgreSQL, as a runner that answers items and as a client that submits them. It knows nothing of
 * batches.
 */
import * as NodeClusterSocket from "@effect/platform-node-shared/NodeClusterSocket"
import * as NodeCrypto from "@effect/platform-node-shared/NodeCrypto"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as ClusterWorkflowEngine from "effect/cluster/ClusterWorkflowEngine"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as RunnerHealth from "effect/cluster/RunnerHealth"
import * as Runners from "effect/cluster/Runners"
import type { Sharding } from "effect/cluster/Sharding"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as SocketRunner from "effect/cluster/SocketRunner"
import * as SqlMessageStorage from "effect/cluster/SqlMessageStorage"
import * as SqlRunnerStorage from "effect/cluster/SqlRunnerStorage"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as SqlClient from "effect/sql/SqlClient"
import type { WorkflowEngine } from "effect/workflow/WorkflowEngine"
import { BatchError } from "./BatchItem.ts"

/** Where the database is, and how it is used. */
export interface ClusterOptions {
  /** PostgreSQL 14 or later: `postgres://user:password@host:5432/database`. */
  readonly url: string | Redacted.Redacted
  /** The most connections of this process. One more is held by a runner for its locks. Default 10. */
  readonly connections?: number | undefined
  /**
   * After how long without a sign of life a runner counts as dead at the latest, so that others go on with its items; one
   * whose port is closed counts so sooner. A runner that cannot reach the database for a third of it stops its work. At least
   * 3 seconds, and the same in every process. Default 30 seconds.
   */
  readonly failover?: Duration.Input | undefined
  /**
   * How long a runner may go on with what it has asked when it is stopped, or when its items move to one that has joined.
   * What takes longer is asked again elsewhere. Items that are not asked yet move at once. Finite; default 15 seconds.
   */
  readonly drain?: Duration.Input | undefined
  /**
   * In how many shares items are dealt out to the runners: at least ten for each runner. The same in every process, and
   * changed only while none runs. Default 300.
   */
  readonly shares?: number | undefined
}

/** Where a runner is reached by the others. */
export interface RunnerAddressOptions {
  /** Host name or address under which the other processes reach this one. */
  readonly host: string
  /** TCP port, open to the other processes only: what is said there is not authenticated. */
  readonly port: number
}

/** The first setting that cannot work, by name. */
export const wrongSetting = (
  settings: ClusterOptions & { readonly concurrency?: number | undefined },
): BatchError | undefined => {
  for (const name of ["connections", "concurrency", "shares"] as const) {
    const value = settings[name]
    if (value === undefined || (Number.isInteger(value) && value >= 1)) continue
    return new BatchError({ reason: "invalid", message: `${name} must be a whole number above 0, not ${value}` })
  }
  for (const name of ["failover", "drain"] as const) {
    const value = settings[name]
    if (value === undefined || Option.exists(Duration.fromInput(value), Duration.isFinite)) continue
    return new BatchError({ reason: "invalid", message: `${name} must be a finite duration such as "30 seconds"` })
  }
  return undefined
}

const database = ({ connections = 10, url }: ClusterOptions): Layer.Layer<SqlClient.SqlClient, BatchError> =>
  PgClient.layer({
    url: typeof url === "string" ? Redacted.make(url) : url,
    maxConnections: connections,
    // One row is one message, and an outcome with images is one row.
    maxMessageSize: 256 * 1024 * 1024,
  }).pipe(
    // Connections open when they are used: the cluster would die of the first that does not.
    Layer.tap((context) => Context.get(context, SqlClient.SqlClient)`SELECT 1`),
    Layer.catchTag("SqlError", ({ reason }) =>
      Layer.effectContext(
        new BatchError({ reason: "store", message: `the database cannot be reached: ${reason._tag}` }),
      ),
    ),
  )

const config = (
  { drain = "15 seconds", failover = "30 seconds", shares = 300 }: ClusterOptions,
  address: RunnerAddressOptions | undefined,
  concurrency: number,
) => {
  const failoverMs = Math.max(3000, Duration.toMillis(Duration.fromInputUnsafe(failover)))
  return ShardingConfig.layer({
    runnerAddress: address === undefined ? Option.none() : Option.some(RunnerAddress.make(address.host, address.port)),
    shardsPerGroup: shares,
    shardLockExpiration: failoverMs,
    shardLockRefreshInterval: failoverMs / 3,
    runnerHealthCheckInterval: Math.min(5000, failoverMs / 4),
    refreshAssignmentsInterval: Math.min(3000, failoverMs / 8),
    entityMessagePollInterval: "2 seconds",
    // Items in memory, at about 80 kB each: those asked, those that wait, and for 10 seconds those that are done.
    maxResidentEntities: Math.max(512, 64 * concurrency),
    entityTerminationTimeout: drain,
    simulateRemoteSerialization: false,
  })
}

const engine = ClusterWorkflowEngine.layer

/** A process that answers: it listens at `address`, holds a share of the items, and takes over those of the dead. */
export const runner = (
  options: ClusterOptions & { readonly address: RunnerAddressOptions; readonly concurrency?: number | undefined },
): Layer.Layer<WorkflowEngine | Sharding | SqlClient.SqlClient, BatchError> =>
  engine.pipe(
    Layer.provideMerge(SocketRunner.layer),
    Layer.provide(RunnerHealth.layerPing.pipe(Layer.provide(Runners.layerRpc))),
    Layer.provide([NodeClusterSocket.layerSocketServer, NodeClusterSocket.layerClientProtocol]),
    Layer.provide(storage),
    Layer.provide([
      config(options, options.address, options.concurrency ?? 16),
      RpcSerialization.layerSchemaBinary({}),
    ]),
    Layer.catchTag("SocketServerError", () => refusedAddress(options.address)),
    Layer.provideMerge(database(options)),
  )

/** A process that only submits and reads. */
export const client = (options: ClusterOptions): Layer.Layer<WorkflowEngine | SqlClient.SqlClient, BatchError> =>
  engine.pipe(
    Layer.provide(SocketRunner.layerClientOnly),
    Layer.provide(NodeClusterSocket.layerClientProtocol),
    Layer.provide(storage),
    Layer.provide([config(options, undefined, 1), RpcSerialization.layerSchemaBinary({})]),
    Layer.provideMerge(database(options)),
  )

const storage = Layer.mergeAll(
  SqlMessageStorage.layer.pipe(Layer.provide(NodeCrypto.layerDigest)),
  Layer.orDie(SqlRunnerStorage.layer),
)

const refusedAddress = ({ host, port }: RunnerAddressOptions) =>
  Layer.effectContext(new BatchError({ reason: "invalid", message: `the runner cannot listen at ${host}:${port}` }))
