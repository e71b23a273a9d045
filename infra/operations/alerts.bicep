// Who is called, and when. The rules are data (alerts.json): each has its severity, its threshold with the reason for it, and the
// section of docs/runbook.md that says what to do. A rule of `queries` asks the workspace's tables, one of `metrics` a resource.
//
// Severities: 0 somebody is woken, 1 today, 2 this week.

param location string = resourceGroup().location

param tags object = {}

@description('Stands before the name of each rule, e.g. order-sagas-staging.')
param namePrefix string

@description('The Log Analytics workspace that Application Insights stores its data in.')
param workspaceId string

param serviceBusNamespaceId string

param postgresServerId string

@description('Who gets a mail from every alert.')
param alertEmails array

@description('Where docs/runbook.md can be read, without an anchor. Each alert carries it with the anchor of its section.')
param runbookUrl string = ''

@description('Other thresholds than those of alerts.json, by the id of the alert: { "dead-letters": 20 }.')
param thresholds object = {}

@description('Off for an environment in which nobody is to be called.')
param enabled bool = true

var alerts = loadJsonContent('alerts.json')

var resourceIds = {
  serviceBus: serviceBusNamespaceId
  postgres: postgresServerId
}

resource onCall 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: '${namePrefix}-on-call'
  // Action groups are no region's: they have to work when one is gone.
  location: 'global'
  tags: tags
  properties: {
    // At most 12 characters; it stands in short messages.
    groupShortName: 'ordersagas'
    enabled: enabled
    emailReceivers: [
      for (address, index) in alertEmails: {
        name: 'mail-${index}'
        emailAddress: address
        useCommonAlertSchema: true
      }
    ]
  }
}

resource queryAlerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for alert in alerts.queries: {
    name: '${namePrefix}-${alert.id}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: alert.title
      description: '${alert.meaning} ${runbookUrl}#${alert.runbook}'
      severity: alert.severity
      enabled: enabled
      scopes: [workspaceId]
      evaluationFrequency: alert.every
      windowSize: alert.window
      autoMitigate: true
      criteria: {
        allOf: [
          {
            query: join(alert.query, '\n')
            timeAggregation: alert.aggregation
            metricMeasureColumn: 'Value'
            dimensions: alert.dimensions
            operator: alert.operator
            threshold: thresholds[?alert.id] ?? alert.threshold
            failingPeriods: {
              numberOfEvaluationPeriods: alert.periods
              minFailingPeriodsToAlert: alert.periods
            }
          }
        ]
      }
      actions: {
        actionGroups: [onCall.id]
        customProperties: {
          runbook: '${runbookUrl}#${alert.runbook}'
        }
      }
    }
  }
]

resource metricAlerts 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for alert in alerts.metrics: {
    name: '${namePrefix}-${alert.id}'
    location: 'global'
    tags: tags
    properties: {
      description: '${alert.meaning} ${runbookUrl}#${alert.runbook}'
      severity: alert.severity
      enabled: enabled
      scopes: [resourceIds[alert.resource]]
      evaluationFrequency: alert.every
      windowSize: alert.window
      autoMitigate: true
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            name: alert.id
            criterionType: 'StaticThresholdCriterion'
            metricNamespace: alert.namespace
            metricName: alert.metric
            timeAggregation: alert.aggregation
            operator: alert.operator
            threshold: thresholds[?alert.id] ?? alert.threshold
            dimensions: alert.dimensions
          }
        ]
      }
      actions: [
        {
          actionGroupId: onCall.id
          webHookProperties: {
            runbook: '${runbookUrl}#${alert.runbook}'
          }
        }
      ]
    }
  }
]

output actionGroupId string = onCall.id
