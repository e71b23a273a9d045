// Where traces, metrics and logs go. Application Insights takes them from signed-in senders only; what it stores is in the
// workspace, which alerts and the dashboard ask.

param name string
param location string
param tags object
param appPrincipalId string
param retentionDays int

@description('Gigabytes a day; what comes after is not taken. -1: no limit.')
param dailyQuotaGb int

var metricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' = {
  name: 'log-${name}'
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: retentionDays
    workspaceCapping: { dailyQuotaGb: dailyQuotaGb }
    features: { disableLocalAuth: true }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${name}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    IngestionMode: 'LogAnalytics'
    DisableLocalAuth: true
  }
}

// Monitoring Metrics Publisher: sends what it measured, and reads nothing. For every function; the sagas named below first.
resource publisherRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: insights
  name: guid(insights.id, appPrincipalId, metricsPublisher)
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', metricsPublisher)
    description: 'placeOrder, returnOrder, importOrders, importProducts: traces, metrics and logs, as of every other function.'
  }
}

output workspaceId string = workspace.id
output connectionString string = insights.properties.ConnectionString
