package main

import "go/ast"

// shapeOf says how a reader writes a value of a Go type, and which type of the API it leads to.
func shapeOf(e ast.Expr) (shape, leads string) {
	switch t := e.(type) {
	case *ast.StarExpr:
		return shapeOf(t.X)
	case *ast.ArrayType:
		shape, leads = shapeOf(t.Elt)
		return "list of " + shape, leads
	case *ast.MapType:
		shape, leads = shapeOf(t.Value)
		return "map of " + shape, leads
	case *ast.Ident:
		if plain, ok := plainShapes[t.Name]; ok {
			return plain, ""
		}
		return t.Name, t.Name
	case *ast.SelectorExpr:
		return foreignShapes[t.X.(*ast.Ident).Name+"."+t.Sel.Name], ""
	}
	return "", ""
}

var plainShapes = map[string]string{
	"string": "text", "bool": "true or false", "int32": "number", "int64": "number", "DurationString": "duration",
}

var foreignShapes = map[string]string{
	"intstr.IntOrString":     "number or text",
	"metav1.Time":            "time",
	"metav1.LabelSelector":   "label selector",
	"metav1.ObjectMeta":      "metadata",
	"corev1.PodTemplateSpec": "pod template",
	"corev1.ConditionStatus": "text",
	"batchv1.JobSpec":        "Job spec",
	"json.RawMessage":        "anything",
}
