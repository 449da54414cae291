import { Controller } from '@nestjs/common';
import { ApiController } from '../api-controller.js';
import type { Call } from '../call.js';
import { listOf } from '../replies.js';
import { Route } from '../route.js';
import { type AuditFilter, auditedDeed, auditFilter, ListAudit } from './list-audit.js';

/** Who did what, from where: for administrators. */
@Controller('api/v1/audit')
export class AuditController extends ApiController {
  @Route({
    method: 'GET',
    path: '',
    summary: 'What was done, by whom and from where, the latest first',
    query: auditFilter,
    reply: listOf(auditedDeed),
    reads: ['audit', 'identity', 'conversations'],
    problems: ['forbidden', 'bad-cursor'],
  })
  async list({ query, session }: Call<unknown, AuditFilter>) {
    return this.query(new ListAudit(session.actor, query));
  }
}
