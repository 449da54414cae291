import { describe, expect, it } from 'vitest';
import {
  ChannelCreated,
  MemberJoined,
  MemberLeft,
  MemberRemoved,
  MessagePosted,
} from '../../../domain/conversations/channel.js';
import { AccountRegistered } from '../../../domain/identity/account/credentials.js';
import { ProfileCreated } from '../../../domain/identity/profile.js';
import { ValueReserved } from '../../../domain/identity/reservation.js';
import { RoomCreated } from '../../../domain/rooms/room.js';
import { accessProjection } from '../../../projections/access/access.js';
import { idOf, past, record } from '../specification.js';
import { fold } from './folding.js';

const channel = `channel-${idOf(1)}`;
const [ann, bob] = [idOf(2), idOf(3)];

const created = (history: 'all' | 'since-joined') =>
  ChannelCreated({ channelId: idOf(1), name: 'ubuntu', kind: 'public', history, createdBy: ann });
const posted = MessagePosted({ authorId: ann, kind: 'message', text: 'hello' });
const joined = (personId: string) => MemberJoined({ personId, role: 'member', how: 'joined' });

describe('the projection of access', () => {
  it('moves a feed’s revision with each of its events, also those that change nobody’s access', () => {
    const history = record(past(channel, created('all'), posted, posted));
    expect(fold(accessProjection, history)).toEqual({
      [`feedAccess/${channel}`]: { visibility: 'members', revision: 2 },
    });
  });

  it('takes the visibility that the events tell', () => {
    const room = `room-${'0'.repeat(16)}`;
    const history = record([
      ...past(channel, created('since-joined')),
      ...past(room, RoomCreated({ roomId: '0'.repeat(16), name: null, createdBy: ann })),
    ]);
    expect(fold(accessProjection, history)).toEqual({
      [`feedAccess/${channel}`]: { visibility: 'since-joined', revision: 0 },
      [`feedAccess/${room}`]: { visibility: 'everyone', revision: 0 },
    });
  });

  it('keeps the intervals of each membership apart', () => {
    const left = MemberLeft({ personId: ann, how: 'left', reason: null });
    const removed = MemberRemoved({ personId: bob, removedBy: ann });
    const history = record(past(channel, created('all'), joined(ann), joined(bob), left, removed, joined(ann)));
    expect(fold(accessProjection, history)).toMatchObject({
      [`memberships/${channel}/${ann}`]: {
        intervals: [
          [1, 3],
          [5, null],
        ],
        role: 'member',
        revision: 5,
      },
      [`memberships/${channel}/${bob}`]: { intervals: [[2, 4]], role: 'member', revision: 4 },
    });
  });

  it('lets a person alone follow their own stream', () => {
    const history = record(past(`user-${ann}`, ProfileCreated({ personId: ann, name: 'Ann', username: 'ann' })));
    expect(fold(accessProjection, history)).toEqual({
      [`feedAccess/user-${ann}`]: { visibility: 'members', revision: 0 },
      [`memberships/user-${ann}/${ann}`]: { intervals: [[0, null]], role: 'owner', revision: 0 },
    });
  });

  it('knows nothing of streams that nobody follows', () => {
    const registered = AccountRegistered({ personId: ann, email: 'a@example.org', username: 'ann', passwordHash: 'x' });
    const history = record([
      ...past(`account-${ann}`, registered),
      ...past('emailReservation-abc', ValueReserved({ owner: ann })),
    ]);
    expect(fold(accessProjection, history)).toEqual({});
  });
});
