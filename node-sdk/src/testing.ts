/**
 * The reference server for your own tests: `admin-api-mock`, started, steered and stopped.
 *
 * @module
 */
export { Control, World } from './testing/control.ts';
export type { ControlOptions, FaultOptions, RevokeOptions, WaitOptions } from './testing/control.ts';
export { startMockServer } from './testing/server.ts';
export type { MockServer, MockServerOptions } from './testing/server.ts';
export { ControlError } from './testing/wire.ts';
export type {
  Channel,
  ClientCreation,
  Counts,
  Drip,
  Entry,
  Fault,
  FaultCreation,
  JournalSettings,
  LogIn,
  Malformed,
  Match,
  Outcome,
  Pairs,
  Problem,
  ProblemError,
  RateLimit,
  Script,
  TokenAnswer,
  TokenCreation,
  TokenInfo,
  WorldCreation,
  WorldInfo,
} from './_generated/control.ts';
