import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Health } from '../../health.js';

/** Whether the process lives, and whether it should be sent requests. */
@Controller('health')
export class HealthController {
  constructor(@Inject(Health) private readonly health: Health) {}

  @Get()
  all(): object {
    const faults = this.health.faults();
    return { status: Object.keys(faults).length === 0 ? 'ok' : 'degraded', faults };
  }

  @Get('live')
  live(): object {
    return { status: 'ok' };
  }

  @Get('ready')
  ready(@Res() reply: FastifyReply): void {
    const { ready } = this.health;
    const faults = this.health.faults();
    reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'not ready', faults });
  }
}
