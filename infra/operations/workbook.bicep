// The dashboard: what the sagas do, who waits for an operator, and what the platform around them does. An Azure workbook over the
// workspace's tables; what it shows is in workbook.json, so that it can be edited in the portal and put back here.

@description('Shown in the portal as the workbook\'s name.')
param name string

param location string = resourceGroup().location

param tags object = {}

@description('The Log Analytics workspace that Application Insights stores its data in.')
param workspaceId string

// The JSON names the workspace by a placeholder: a workbook that is opened anywhere asks this one.
var content = replace(loadTextContent('workbook.json'), '<workspace id>', workspaceId)

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, name)
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: name
    category: 'workbook'
    version: 'Notebook/1.0'
    sourceId: workspaceId
    serializedData: content
  }
}

output workbookId string = workbook.id
