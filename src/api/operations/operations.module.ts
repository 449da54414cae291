import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import type { Logger } from 'pino';
import { Health } from '../../health.js';
import { Metrics } from '../../metrics.js';
import { ProblemFilter } from '../problem-filter.js';
import { LOGGER } from '../tokens.js';
import { HealthController } from './health.controller.js';
import { MetricsController } from './metrics.controller.js';

export interface OperationsParts {
  readonly health: Health;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

@Module({})
class OperationsModule {}

/** What every process answers, whatever its roles. */
export function operationsModule({ health, metrics, logger }: OperationsParts): DynamicModule {
  return {
    module: OperationsModule,
    controllers: [HealthController, MetricsController],
    providers: [
      { provide: APP_FILTER, useClass: ProblemFilter },
      { provide: LOGGER, useValue: logger },
      { provide: Health, useValue: health },
      { provide: Metrics, useValue: metrics },
    ],
  };
}
