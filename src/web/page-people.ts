// Owns which part of the SDK about friends, the feed and history the page uses, as shapes; must not know how any of it is done.
import type { AudienceView, Feed } from '../client/feed.ts';
import type { ListeningCalls } from '../client/listening-calls.ts';
import type { PeopleCalls } from '../client/people-calls.ts';

export type { ActivityTrack as FeedTrack } from '../../protocol/schemas/feed.ts';
export type { FeedItem, FeedSignal, FeedView } from '../client/feed.ts';
export type { AudienceChange, AudienceView as Audience } from '../client/feed.ts';
export type {
  CountBy,
  Imported,
  ImportProgress,
  ListenCount,
  Page,
  PastActivity,
  PastListen,
  Range,
  Together,
} from '../client/listening-calls.ts';
export type {
  AccountLink,
  Device,
  Overview,
  PersonSince,
  Profile,
} from '../client/people-calls.ts';

export type AudienceKind = AudienceView['audience'];

/** The live part: over the connection. */
export type PageFeed = Pick<
  Feed,
  'view' | 'onSignal' | 'subscribe' | 'react' | 'join' | 'setAudience'
>;

/** People, by REST. */
export type PageFriends = Pick<PeopleCalls, keyof PeopleCalls>;

/** What was heard, by REST. */
export type PageListening = Pick<
  ListeningCalls,
  | 'history'
  | 'removeActivity'
  | 'listens'
  | 'counts'
  | 'together'
  | 'importListens'
  | 'exportListens'
  | 'exportData'
  | 'erase'
>;

export interface PagePeople {
  readonly friends: PageFriends;
  readonly listening: PageListening;
}
