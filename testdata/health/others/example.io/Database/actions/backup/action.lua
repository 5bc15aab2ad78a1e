local os = require("os")
backup = {}
backup.apiVersion = "example.io/v1"
backup.kind = "Backup"
backup.metadata = {}
backup.metadata.name = obj.metadata.name .. "-" .. os.date("!%Y%m%d%H%M")
backup.metadata.namespace = obj.metadata.namespace
backup.spec = {}
backup.spec.database = obj.metadata.name
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["example.io/backup-at"] = os.date("!%Y-%m-%dT%XZ")
return {{operation = "create", resource = backup}, {operation = "patch", resource = obj}}
