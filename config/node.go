package config

import (
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// What the YAML library calls a node, as this package needs it.

// scalarText returns a scalar as it is spelt, quotes and folding undone.
func scalarText(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// keyText returns a mapping's key, which may be any scalar but the merge key.
func keyText(n ast.MapKeyNode) (string, bool) {
	if n.IsMergeKey() {
		return "", false
	}
	return scalarText(n)
}

// nature says what a node is, for people.
func nature(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.IntegerNode:
		return "a whole number"
	case *ast.FloatNode:
		return "a number with a fraction"
	case *ast.BoolNode:
		return "true or false"
	}
	return "text"
}

// start returns the first token of a node; goccy/go-yaml gives mappings the
// token of their first colon.
func start(n ast.Node) *token.Token {
	switch n := n.(type) {
	case *ast.DocumentNode:
		if n.Body != nil {
			return start(n.Body)
		}
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return start(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return start(n.Key)
	}
	return n.GetToken()
}
