export { createVault, type Vault, type Visitor } from './session/vault.ts'
export { sessionName } from './session/open-session.ts'
export type { OpenOptions, VaultOptions, VaultPolicy } from './session/options.ts'
export type { Session } from './session/session.ts'
export type {
  MapOptions,
  MapProgress,
  MapResult,
  MapSource,
  MapTools,
  MapWork,
  OnceOptions,
} from './session/map/map-options.ts'
export type { Renewal } from './session/renewal/renewing.ts'
export type { Rung, RungOutcome } from './session/renewal/climb.ts'
export type { VaultOperations } from './session/vault-operations.ts'
export type { KeptGeneration, RolledBack } from './session/operations/history.ts'
export type { Purged, PurgeOptions } from './session/operations/purge.ts'
export type { Rekeyed, RekeyOptions, RekeyProgress } from './session/operations/rekey.ts'
export type { RemoveOptions } from './session/operations/removing.ts'
export type { SignedOut } from './session/operations/sign-out.ts'
export type { Pool } from './session/pool/open-pool.ts'
export type { PoolOptions, PoolStats, Use, UseOptions, Using } from './session/pool/pool-options.ts'
export type { VaultStats } from './session/operations/vault-stats.ts'
export type { SessionEvent, SessionEventKind } from './session/ledger.ts'
export type { Minimized, MinimizeOptions } from './session/minimize.ts'
export type { Visit, VisitResult } from './session/visits/visit.ts'

export { defineRecipe } from './login/recipe.ts'
export type { DeclaredHeader, DeclaredSource } from './login/learn/declared-headers.ts'
export type { HeaderOptions, LoginTools, Recipe, RotateTools, SignInTools } from './login/recipe.ts'
export type { AuthOptions } from './login/auth/auth-recipe.ts'
export { formAuth, type FormOptions } from './login/auth/form-recipe.ts'
export {
  apiKeyAuth,
  basicAuth,
  bearerAuth,
  digestAuth,
  jwtAuth,
  oauth1Auth,
} from './login/auth/header-recipes.ts'
export type { ApiKeyOptions, JwtOptions, OAuth1Options } from './login/auth/header-recipes.ts'
export {
  authorizationCodeAuth,
  clientCredentialsAuth,
  deviceCodeAuth,
  refreshTokenAuth,
} from './login/auth/oauth2-recipes.ts'
export type { AuthorizationCodeOptions, DeviceCodeOptions } from './login/auth/oauth2-recipes.ts'
export type { DevicePrompt } from './login/auth/device-code.ts'
export type { OAuthClient } from './login/auth/token-endpoint.ts'
export type { Secrets } from './login/secrets.ts'
export type { BrowserOptions } from './login/browser.ts'
export { findBrowser } from './login/find-browser.ts'
export type { Liveness } from './login/probe.ts'

export { jsonlLetters, redisLetters } from './store/letters.ts'
export type { JsonlLettersOptions, RedisLettersOptions } from './store/letters.ts'
export type { KeptLetter, Letters, SealedLetter } from './store/letters/contract.ts'
export type { DeadLetter } from './session/letters/dead-letter.ts'
export { fileStore } from './store/file.ts'
export { memoryStore } from './store/memory.ts'
export { redisStore, type RedisStoreOptions } from './store/redis.ts'
export type { RedisClient } from './store/redis/client.ts'
export type { Generation, Lease, Store, StoredBytes, WriteOptions } from './store/contract.ts'
export { generateKey } from './snapshot/keys.ts'
export type { Snapshot, Standing } from './snapshot/envelope.ts'

export { applyState, captureState } from './bridge/context.ts'
export { fromCookieJar, toCookieJar } from './bridge/jar/jar.ts'
export { parseState, type ParseOptions } from './bridge/parse-state.ts'
export { detectFormat, formatState, listFormats } from './bridge/formats/format-state.ts'
export type { FormatFacts, FormatOptions } from './bridge/formats/format-state.ts'
export type { FormatName } from './bridge/formats/format.ts'
export { sanitize, type GatePolicy } from './policy/gate.ts'
export { explainKept, type ExplainFacts, type KeptItem } from './policy/explain.ts'
export { forecast, type Forecast } from './policy/forecast.ts'

export type { HttpOptions, HttpRequestOptions, HttpResponse, HttpAnswer, SessionHttp } from './http/client.ts'
export type { SessionFetch } from './http/fetch.ts'
export type { HeadersForOptions } from './http/headers/headers-for.ts'
export { crawleeClient, type CrawleeHttpClient, type CrawleeSessions } from './clients/crawlee.ts'
export { crawleePageHooks, type CrawleePageOptions } from './clients/crawlee-pages.ts'
export { SignOutGuardedError } from './clients/sign-out-guarded.ts'
export { sessionDispatcher } from './clients/dispatcher.ts'
export { impitFetch, type ImpitClass, type ImpitInstance } from './clients/impit.ts'
export { wearRequests, type SessionRequestContext } from './clients/request-context.ts'
export type {
  CacheOptions,
  PerOriginLimits,
  PhaseTimeouts,
  ResilienceOptions,
  RobotsOptions,
} from './http/options.ts'
export type { OriginStanding, TrafficFigures } from './http/trouble/traffic.ts'
export type { Connections } from './http/wire/wire.ts'
export type { SeenAnswer } from './http/trouble/dead-signs.ts'
export {
  BlockedError,
  CircuitOpenError,
  NeedsBrowserError,
  NotRepeatedError,
  QueueFullError,
  type BlockedFacts,
  type Blocker,
} from './http/trouble/traffic-errors.ts'

export { RobotsError } from './http/robots/robots-error.ts'
export { mergeStates } from './state/diff.ts'
export type { Identity, Probe, ProbeAnswer } from './state/identity.ts'
export { sourceInWords, type HeaderRule, type RuleSource } from './state/header-rule.ts'
export type { Reason, Report, ReportItem, ReportKind } from './state/report.ts'
export type {
  IndexedDatabase,
  OriginState,
  SameSite,
  SessionState,
  StateCookie,
  StorageItem,
} from './state/state.ts'
export type { Logger } from './observe/events.ts'
export {
  AccountBlockedError,
  AccountLostError,
  EgressChangedError,
  HeldOffError,
  NoAccountError,
  NotStoredError,
} from './session/account-errors.ts'
export {
  SessionbridgeError,
  BrowserMissingError,
  LoginFailedError,
  NeedsPersonError,
  SecretMissingError,
  SecretOriginError,
  SessionDeadError,
  ProbeMissingError,
  NotSignedInError,
  SnapshotUnreadableError,
  KeyInvalidError,
  StoreFailedError,
  StoreConflictError,
  StateInvalidError,
  RecipeInvalidError,
  RequestFailedError,
  ResponseStatusError,
  RedirectRefusedError,
  TimedOutError,
  ClosedError,
  type ErrorCode,
  type ErrorTier,
  type LoginFailure,
  type SnapshotDefect,
} from './errors.ts'
