// What HTTP is given of the service.
import type { UserId } from '../../protocol/ids.ts';
import type { HubOptions } from '../hub/hub-options.ts';
import type { RevokedTokens } from '../hub/revoked-tokens.ts';
import type { Rooms } from '../hub/room/rooms.ts';
import type { Archive } from '../ports/archive.ts';
import type { Authenticator } from '../ports/authenticator.ts';
import type { BackupMaker } from '../ports/backups.ts';
import type { Catalogue } from '../ports/catalogue.ts';
import type { FellowNodes } from '../hub/fellow-nodes.ts';
import type { HubClock } from '../ports/hub-clock.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Random } from '../ports/random.ts';
import type { SharedRates } from '../ports/shared-rates.ts';
import type { Users } from '../ports/users.ts';
import type { MediaSignature } from './media-signature.ts';
import type { Page } from './page.ts';
import type { SocialDeps } from './social-deps.ts';

export interface HttpDeps {
  readonly rooms: Rooms;
  readonly users: Users;
  readonly archive: Archive;
  readonly authenticator: Authenticator;
  /** Undefined where nothing is revoked before its time. */
  readonly revoked?: RevokedTokens | undefined;
  readonly catalogue: Catalogue;
  readonly clock: HubClock;
  readonly random: Random;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly options: HubOptions;
  readonly signature: MediaSignature;
  /** Absent where this node is alone. */
  readonly sharedRates?: SharedRates | undefined;
  /** Undefined where the page was not built. */
  readonly page: Page | undefined;
  readonly guests: boolean;
  /** All nodes, for operators. Undefined where nobody may ask for them. */
  readonly fellows?: FellowNodes | undefined;
  /** Undefined where none are made. */
  readonly backups?: BackupMaker | undefined;
  /** Undefined where nobody is told what people listen to. */
  readonly social: SocialDeps | undefined;
  /** Takes `cost` from the rate of a person, who has one for REST and sockets; 0, or the wait in ms. */
  takeRate(userId: UserId, cost: number): number;
  /** Why this process should get no new visitors; empty when it should. */
  notReady(): readonly string[];
  /** Stores that do not answer, also those without which rooms go on. */
  awayStores(): readonly { readonly store: string; readonly awayMs: number }[];
}

export interface Peer {
  readonly remoteAddress: string;
}
