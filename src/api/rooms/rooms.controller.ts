import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { roomId } from '../../../domain/ids.js';
import { CreateRoom, JoinRoom, LeaveRoom } from '../../../domain/rooms/room.js';
import { ApiController } from '../api-controller.js';
import type { Call } from '../call.js';
import { commandReply } from '../replies.js';
import { Route } from '../route.js';
import { GetRoom, roomDetail } from './get-room.js';

const ofRoom = z.strictObject({ roomId });

@Controller('api/v1/rooms')
export class RoomsController extends ApiController {
  @Route({
    method: 'POST',
    path: '',
    summary: 'Create a room',
    command: CreateRoom,
    status: 201,
    reply: commandReply.extend({ name: z.string().nullable(), createdBy: z.string() }),
  })
  async create(call: Call) {
    return this.execute(CreateRoom.type, call);
  }

  @Route({
    method: 'GET',
    path: ':roomId',
    summary: 'A room and who is in it',
    params: ofRoom,
    reply: roomDetail,
    etag: true,
    reads: ['rooms', 'access', 'identity'],
  })
  async detail({ params, session }: Call<z.infer<typeof ofRoom>>) {
    return this.query(new GetRoom(params.roomId, session.actor.id));
  }

  @Route({
    method: 'POST',
    path: ':roomId/join',
    summary: 'Enter a room',
    params: ofRoom,
    command: JoinRoom,
    reply: commandReply,
  })
  async join(call: Call) {
    return this.execute(JoinRoom.type, call);
  }

  @Route({
    method: 'POST',
    path: ':roomId/leave',
    summary: 'Leave a room',
    params: ofRoom,
    command: LeaveRoom,
    reply: commandReply,
  })
  async leave(call: Call) {
    return this.execute(LeaveRoom.type, call);
  }
}
