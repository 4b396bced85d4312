import { text, toggle } from './setting.ts'

/** What `tsmcp serve` can be told about what it tells of itself. */
export const telemetrySettings = {
  admin: text({
    flag: '--admin',
    placeholder: '<[host]:port>',
    variables: ['ADMIN'],
    about:
      'answer administrators there: /metrics, /health, /live, /ready, /alerts, /log-level; other machines need the role admin',
    default: '',
    defaultText: 'none',
    pattern: /^(?:[^\s/]*:)?\d{1,5}$/,
    allowed: 'a port such as :9464, or an address such as 0.0.0.0:9464',
  }),
  otel: toggle({
    flag: '--otel',
    variables: ['OTEL_ENABLED'],
    about: 'send traces and metrics by OpenTelemetry, as the OTEL_ variables say',
  }),
  logFormat: text({
    flag: '--log-format',
    placeholder: '<format>',
    variables: ['LOG_FORMAT'],
    about: 'write the log as text for people, or as json for programs',
    default: 'text',
    pattern: /^(?:text|json)$/,
    allowed: 'text or json',
  }),
  logLevel: text({
    flag: '--log-level',
    placeholder: '<level>',
    variables: ['LOG_LEVEL'],
    about: 'how much is logged: trace, debug, info, warn, error, fatal or silent',
    default: 'info',
    pattern: /^(?:trace|debug|info|warn|error|fatal|silent)$/,
    allowed: 'trace, debug, info, warn, error, fatal or silent',
  }),
  alertWebhook: text({
    flag: '--alert-webhook',
    placeholder: '<url>',
    variables: ['ALERT_WEBHOOK'],
    about: 'send alerts there, in the form of Alertmanager',
    default: '',
    defaultText: 'none',
    pattern: /^https?:\/\/\S+$/,
    allowed: 'an https URL',
  }),
} as const
