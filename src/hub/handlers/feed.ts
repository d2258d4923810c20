// Requests about the feed: looking at it, what one listens to alone, and who may see it.
import { checkPrivateUntil, type AudienceChange } from '../../domain/people.ts';
import { audienceView } from '../feed/feed-viewer.ts';
import { ok, refused, type Answer, type HandlerTable } from './handler.ts';

const NOT_SERVED = refused('not_found', 'this hub serves no feed');
const CLOSED = refused('unavailable', 'the connection has closed', 0);
const NO_SUCH_PERSON = refused('not_found', 'no such person');

export const FEED = {
  'feed.subscribe': async (_request, { connection, feed, user }) => {
    if (feed === undefined) return NOT_SERVED;
    const snapshot = await feed.desk.subscribe(connection, user.id);
    return snapshot === undefined ? CLOSED : ok(snapshot);
  },

  'feed.unsubscribe': (_request, { connection, feed, user }) => {
    feed?.desk.unsubscribe(connection, user.id);
    return ok();
  },

  'activity.set': async (request, { connection, feed, user }) => {
    if (feed === undefined) return NOT_SERVED;
    const answer = await feed.activities.set(user, request, connection);
    return 'code' in answer ? { kind: 'refused', refusal: answer } : ok(answer);
  },

  'activity.remove': async (request, { feed, user }) => {
    if (feed === undefined) return NOT_SERVED;
    await feed.activities.remove(user.id, request.activityId);
    return ok();
  },

  'activity.react': async (request, { feed, user }): Promise<Answer> => {
    if (feed === undefined) return NOT_SERVED;
    const { activityId, userId, emoji } = request;
    const refusal = await feed.activities.react(user, userId, activityId, emoji);
    return refusal === undefined ? ok() : { kind: 'refused', refusal };
  },

  'activity.join': async (request, { connection, feed, user }): Promise<Answer> => {
    if (feed === undefined) return NOT_SERVED;
    const { userId, activityId } = request;
    const roomId = await feed.activities.join(user, userId, activityId, connection.address);
    return typeof roomId === 'string' ? ok({ roomId }) : { kind: 'refused', refusal: roomId };
  },

  'audience.set': async (request, { feed, ports, user }) => {
    if (feed === undefined || ports.friends === undefined) return NOT_SERVED;
    const { audience, userIds, privateUntil } = request;
    const change: AudienceChange = {
      ...(audience === undefined ? {} : { audience }),
      ...(userIds === undefined ? {} : { chosen: userIds }),
      ...(privateUntil === undefined ? {} : { privateUntil }),
    };
    let set;
    try {
      checkPrivateUntil(privateUntil, ports.clock.now());
      set = await feed.desk.setAudience(user.id, change);
    } catch (error) {
      if (error instanceof RangeError) return refused('bad_request', error.message);
      throw error;
    }
    if (set.after === undefined) return NO_SUCH_PERSON;
    return ok({ audience: audienceView(set.after, ports.clock.now()) });
  },
} satisfies Partial<HandlerTable>;
